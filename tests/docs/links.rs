//! Links between pages lead somewhere, headings included.

use std::path::{Component, Path, PathBuf};

use super::{markdown, read, registry_pages, repository};

#[test]
fn every_relative_link_resolves() {
    let mut pages = registry_pages();
    pages.extend(
        [
            "README.md",
            "README.zh-CN.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
            "ARCHITECTURE.md",
            "RELEASING.md",
            "performance/README.md",
        ]
        .map(str::to_owned),
    );
    let mut broken = Vec::new();
    for path in pages {
        for link in markdown::parse(&read(&path)).links {
            if link.starts_with("https://") {
                continue;
            }
            if !resolves(&path, &link) {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new(), "links that lead nowhere");
}

fn resolves(from: &str, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target =
        if file.is_empty() { from.to_owned() } else { normal(Path::new(from).parent().unwrap(), file) };
    if target.starts_with("..") || !repository().join(&target).exists() {
        return false;
    }
    let of_registry = |path: &str| path.starts_with("docs/");
    if of_registry(from) && !of_registry(&target) {
        return false; // the Registry has nothing else
    }
    if heading.is_empty() {
        return true;
    }
    let page = markdown::parse(&read(&target));
    page.anchors.iter().any(|anchor| anchor == heading)
        || page.headings.iter().any(|(_, text)| markdown::anchor(text) == heading)
}

fn normal(directory: &Path, link: &str) -> String {
    let mut path = PathBuf::new();
    for part in directory.join(link).components() {
        match part {
            Component::ParentDir if path.pop() => {}
            part => path.push(part),
        }
    }
    path.to_str().unwrap().to_owned()
}
