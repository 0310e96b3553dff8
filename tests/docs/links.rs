//! Links between pages have existing targets, including headings.

use std::path::{Component, Path, PathBuf};

use super::{files, markdown, read, repository};

/// Where the Registry shows the newest `docs/`.
const REGISTRY: &str = "https://registry.terraform.io/providers/jdcloud/jdcloud/latest/docs/";

#[test]
fn every_link_between_pages_resolves() {
    let mut pages: Vec<String> = ["docs", "performance", ".github"].into_iter().flat_map(files).collect();
    pages.extend(
        ["README", "README.zh-CN", "CONTRIBUTING", "SECURITY", "ARCHITECTURE", "RELEASING", "RELIABILITY"]
            .map(|name| format!("{name}.md")),
    );
    let mut broken = Vec::new();
    for page in pages.into_iter().filter(|page| page.ends_with(".md")) {
        for link in markdown::parse(&read(&page)).links {
            if !resolves(&page, &link) {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new(), "broken links");
}

fn resolves(from: &str, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file.strip_prefix(REGISTRY) {
        Some(page) => format!("docs/{page}.md"),
        None if file.starts_with("https://") => return true,
        // The Registry resolves relative links of the index to pages that do not exist.
        None if from == "docs/index.md" && !file.is_empty() => return false,
        None if file.is_empty() => from.to_owned(),
        None => normal(Path::new(from).parent().unwrap(), file),
    };
    let stays_in_the_registry = !from.starts_with("docs/") || target.starts_with("docs/");
    stays_in_the_registry
        && !target.starts_with("..")
        && repository().join(&target).exists()
        && (heading.is_empty()
            || markdown::parse(&read(&target)).anchors.iter().any(|anchor| anchor == heading))
}

/// A relative link without its `..`.
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
