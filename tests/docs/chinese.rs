//! The Chinese pages say what the English ones do: same structure, same code.

use super::{markdown, read};

/// English and Chinese.
const PAIRS: [(&str, &str); 3] = [
    ("README.md", "README.zh-CN.md"),
    ("docs/guides/getting-started.md", "docs/guides/getting-started-zh.md"),
    ("docs/guides/rules-cookbook.md", "docs/guides/rules-cookbook-zh.md"),
];

#[test]
fn chinese_pages_have_the_structure_of_the_english_ones() {
    for (english, chinese) in PAIRS {
        let (one, other) = (markdown::parse(&read(english)), markdown::parse(&read(chinese)));
        let levels =
            |page: &markdown::Page| page.headings.iter().map(|(level, _)| *level).collect::<Vec<_>>();
        let mut titles = one.headings.iter().zip(&other.headings);
        let first = titles.find(|((one, _), (other, _))| one != other);
        assert_eq!(
            levels(&one),
            levels(&other),
            "{chinese} has other headings than {english}, from {first:?} on"
        );
        for (position, (a, b)) in one.code.iter().zip(&other.code).enumerate() {
            assert_eq!(a, b, "block {} of {chinese} is not that of {english}", position + 1);
        }
        assert_eq!(one.code.len(), other.code.len(), "{chinese} has another number of blocks than {english}");
        let rows = |path: &str| read(path).lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(rows(english), rows(chinese), "{chinese} has other tables than {english}");
    }
}

#[test]
fn chinese_pages_are_in_chinese() {
    for (_, chinese) in PAIRS {
        for (_, heading) in markdown::parse(&read(chinese)).headings {
            let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            let name = heading.contains('`') || heading.contains("Terraform");
            assert!(name || heading.chars().any(han), "{chinese}: {heading:?} is not translated");
        }
    }
}

/// Browsers show a line break as a space, which Chinese does not have.
#[test]
fn chinese_paragraphs_are_single_lines() {
    for (_, chinese) in PAIRS {
        let text = read(chinese);
        let mut code = false;
        let mut above = "";
        for line in text.lines() {
            let fence = line.starts_with("```");
            let item = |line: &str| line.starts_with("* ");
            let prose = |line: &str| {
                !item(line) && line.starts_with(|c: char| c.is_alphabetic() || "*[`“".contains(c))
            };
            assert!(
                code || fence || !(prose(line) && prose(above) && !line.is_ascii()),
                "{chinese}: join this line with the one above: {line}"
            );
            code ^= fence;
            above = if fence { "" } else { line };
        }
    }
}
