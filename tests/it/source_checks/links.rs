//! Every relative link of the documentation leads to a file.

use super::tree::{files, read, shown};
use std::path::Path;

/// What stands between `](` and `)` and is no address.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    ends.filter(|link| !link.contains("://") && !link.starts_with('#'))
        .map(|link| link.split('#').next().unwrap_or(link))
}

#[test]
fn links_lead_somewhere() {
    let pages: Vec<_> = ["docs", "benches"].into_iter().flat_map(|folder| files(folder, ".md")).collect();
    let top = ["README.md", "CHANGELOG.md"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let mut seen = 0;
    for page in pages.iter().chain(&top) {
        let folder = page.parent().expect("a page is in a folder");
        for link in links(&read(page)) {
            assert!(folder.join(link).exists(), "{}: {link} is not there", shown(page));
            seen += 1;
        }
    }
    assert!(seen > 20, "links are found: {seen}");
}

#[test]
fn addresses_and_headings_are_no_files() {
    let text = "[a](https://a.b) ![b](c/d.png) [e](#f) [g](h.md#i)";
    assert_eq!(links(text).collect::<Vec<_>>(), ["c/d.png", "h.md"]);
}
