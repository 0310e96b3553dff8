//! Links between pages lead somewhere, headings included.

use std::path::{Component, Path, PathBuf};

use super::{files, markdown, read, repository};

#[test]
fn every_relative_link_resolves() {
    let mut pages = files("docs");
    pages.extend(
        ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md"]
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
    if from.starts_with("docs/") && !target.starts_with("docs/") {
        return false; // the Registry has nothing but docs/
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
