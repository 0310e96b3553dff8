//! As much of Markdown as the checks need: headings, blocks of code, links, front matter.

use std::collections::BTreeMap;

/// What a page consists of.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The keys between the first two `---`, if it begins with them.
    pub(crate) front_matter: BTreeMap<String, String>,
    /// The level and text of each heading.
    pub(crate) headings: Vec<(usize, String)>,
    /// The language and text of each fenced block.
    pub(crate) code: Vec<(String, String)>,
    /// Where its links lead.
    pub(crate) links: Vec<String>,
    /// The targets of `<a id="…">`.
    pub(crate) anchors: Vec<String>,
}

/// Takes a page apart.
pub(crate) fn parse(text: &str) -> Page {
    let mut page = Page::default();
    let mut lines = text.lines();
    if let Some(rest) = text.strip_prefix("---\n")
        && let Some((front, body)) = rest.split_once("\n---\n")
    {
        page.front_matter = front_matter(front);
        lines = body.lines();
    }
    let mut fence: Option<(String, String)> = None;
    for line in lines {
        if let Some((language, code)) = &mut fence {
            if line.trim_end() == "```" {
                page.code.push((std::mem::take(language), std::mem::take(code)));
                fence = None;
            } else {
                code.push_str(line);
                code.push('\n');
            }
        } else if let Some(language) = line.strip_prefix("```") {
            fence = Some((language.trim().to_owned(), String::new()));
        } else {
            let level = line.bytes().take_while(|byte| *byte == b'#').count();
            if level > 0 && line[level..].starts_with(' ') {
                page.headings.push((level, line[level..].trim().to_owned()));
            }
            page.links.extend(links(line));
            if let Some(id) = line.strip_prefix("<a id=\"").and_then(|rest| rest.split_once('"')) {
                page.anchors.push(id.0.to_owned());
            }
        }
    }
    assert!(fence.is_none(), "a block of code has no end");
    page
}

fn front_matter(text: &str) -> BTreeMap<String, String> {
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines() {
        if let Some(more) = line.strip_prefix("  ") {
            let value = keys.entry(last.clone()).or_default();
            let old = if value == "|-" { String::new() } else { format!("{value}\n") };
            *value = old + more;
        } else if let Some((key, value)) = line.split_once(':') {
            last = key.to_owned();
            keys.insert(last.clone(), value.trim().trim_matches('"').to_owned());
        }
    }
    keys
}

fn links(line: &str) -> impl Iterator<Item = String> {
    line.match_indices("](").filter_map(|(position, _)| {
        let rest = &line[position + 2..];
        rest.find(')').map(|end| rest[..end].to_owned())
    })
}

/// Text without Markdown's marks, as front matter wants it.
pub(crate) fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// The anchor that a heading gets.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn pages_are_taken_apart() {
    let page = parse(
        "---\npage_title: \"A b\"\ndescription: |-\n  One.\n  Two.\n---\n# Title\n[a](b.md) and [c](d.md#e)\n```hcl\n# no heading\n```\n## What's `this`?\n",
    );
    assert_eq!(page.front_matter["page_title"], "A b");
    assert_eq!(page.front_matter["description"], "One.\nTwo.");
    assert_eq!(page.headings, [(1, "Title".to_owned()), (2, "What's `this`?".to_owned())]);
    assert_eq!(page.code, [("hcl".to_owned(), "# no heading\n".to_owned())]);
    assert_eq!(page.links, ["b.md", "d.md#e"]);
    assert_eq!(anchor("What's `this`?"), "whats-this");
}
