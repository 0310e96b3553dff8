//! The part of Markdown that the checks need: front matter, headings, blocks of code, links.

/// The parts of a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The lines between the first two `---`.
    pub(crate) front_matter: String,
    /// The level and text of each heading.
    pub(crate) headings: Vec<(usize, String)>,
    /// The language and text of each fenced block.
    pub(crate) code: Vec<(String, String)>,
    /// The targets of its links.
    pub(crate) links: Vec<String>,
    /// The anchors of its headings and of `<a id="…">`.
    pub(crate) anchors: Vec<String>,
}

/// Parses a page.
pub(crate) fn parse(text: &str) -> Page {
    let mut page = Page::default();
    let mut body = text;
    if let Some((front, rest)) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) {
        (page.front_matter, body) = (front.to_owned(), rest);
    }
    for (position, part) in body.split("```").enumerate() {
        if position % 2 == 1 {
            let (language, code) = part.split_once('\n').unwrap_or((part, ""));
            page.code.push((language.to_owned(), code.to_owned()));
            continue;
        }
        for line in part.lines() {
            let level = line.bytes().take_while(|byte| *byte == b'#').count();
            if let Some(heading) = line[level..].strip_prefix(' ').filter(|_| level > 0) {
                page.headings.push((level, heading.to_owned()));
                page.anchors.push(anchor(heading));
            }
            let after = |mark| line.split(mark).skip(1);
            page.links.extend(after("](").filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
            page.anchors
                .extend(after("<a id=\"").filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    page
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn pages_are_parsed() {
    let page = parse(
        "---\ntitle: x\n---\n# Title\n[a](b.md) and [c](d.md#e)\n```hcl\n# no heading\n```\n## What's `this`?\n",
    );
    assert_eq!(page.front_matter, "title: x");
    assert_eq!(page.headings, [(1, "Title".to_owned()), (2, "What's `this`?".to_owned())]);
    assert_eq!(page.code, [("hcl".to_owned(), "# no heading\n".to_owned())]);
    assert_eq!(page.links, ["b.md", "d.md#e"]);
    assert_eq!(page.anchors, ["title", "whats-this"]);
}
