//! The Chinese pages have the structure and the code of the English ones.

use super::{files, markdown, read};

/// The English and the Chinese page of each pair.
fn pairs() -> Vec<(String, String)> {
    let chinese = files("docs").into_iter().filter(|path| path.ends_with("-zh.md"));
    let mut pairs: Vec<_> = chinese.map(|path| (path.replace("-zh.md", ".md"), path)).collect();
    pairs.push(("README.md".to_owned(), "README.zh-CN.md".to_owned()));
    pairs
}

#[test]
fn chinese_pages_have_the_structure_of_the_english_ones() {
    for (english, chinese) in pairs() {
        let (one, other) = (markdown::parse(&read(&english)), markdown::parse(&read(&chinese)));
        let levels =
            |page: &markdown::Page| page.headings.iter().map(|(level, _)| *level).collect::<Vec<_>>();
        let first = one.headings.iter().zip(&other.headings).find(|((one, _), (other, _))| one != other);
        assert_eq!(
            levels(&one),
            levels(&other),
            "{chinese} has other headings than {english}, from {first:?} on"
        );
        assert_eq!(one.code, other.code, "{chinese} has other blocks of code than {english}");
        let rows = |path: &str| read(path).lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(rows(&english), rows(&chinese), "{chinese} has other tables than {english}");
    }
}

/// Headings that are messages or code stay as they are.
#[test]
fn chinese_pages_are_in_chinese() {
    for (english, chinese) in pairs() {
        let (one, other) = (markdown::parse(&read(&english)), markdown::parse(&read(&chinese)));
        for ((_, english), (level, heading)) in one.headings.iter().zip(&other.headings) {
            let translated = heading.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            let message = *level == 3 && english == heading;
            assert!(translated || message, "{chinese}: {heading:?} is not translated");
        }
    }
}
