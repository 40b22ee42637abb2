//! What messages look like.

use expect_test::{Expect, expect};

use super::*;

fn check(source: &str, expected: Expect) {
    expected.assert_eq(&blocks(source, "Copy").join("\n"));
}

#[test]
fn raw_html_is_text() {
    check(
        "a <img src=x onerror=alert(1)> b\n\n<script>alert(1)</script>",
        expect![[r#"
            <p>a &lt;img src=x onerror=alert(1)&gt; b</p>
            <p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"#]],
    );
}

#[test]
fn only_web_links_lead_anywhere() {
    check(
        "[a](javascript:alert(1)) [b](https://example.org/?x=\"y) ![c](file:///etc/passwd) <https://x.org>",
        expect![[
            r#"<p><a class="md-dead" title="javascript:alert(1)">a</a> <a rel="noreferrer noopener" href="https://example.org/?x=&quot;y">b</a> <a class="md-dead" title="file:///etc/passwd">c</a> <a rel="noreferrer noopener" href="https://x.org">https://x.org</a></p>"#
        ]],
    );
}

#[test]
fn code_keeps_its_text_and_gets_a_copy_button() {
    check(
        "```rust\nlet x = \"<a>\";\n```\nand `b&c`",
        expect![[r#"
            <div class="md-code"><div class="md-code-bar"><span>rust</span><button type="button" class="md-copy" data-copy-code>Copy</button></div><pre tabindex="0"><code>let x = &quot;&lt;a&gt;&quot;;
            </code></pre></div>
            <p>and <code>b&amp;c</code></p>"#]],
    );
}

#[test]
fn lists_tables_and_quotes_nest() {
    check(
        "# T\n- [x] a\n  1. b\n\n> q ~~d~~ **s** *e*\n\n| h |\n|---|\n| c |",
        expect![[r#"
            <h3>T</h3>
            <ul><li>☑ a<ol><li>b</li></ol></li></ul>
            <blockquote><p>q <del>d</del> <strong>s</strong> <em>e</em></p></blockquote>
            <div class="md-table"><table><thead><tr><th>h</th></tr></thead><tbody><tr><td>c</td></tr></tbody></table></div>"#]],
    );
}

#[test]
fn a_growing_message_changes_only_its_last_block() {
    let short = blocks("one\n\ntwo\n\nthr", "Copy");
    let long = blocks("one\n\ntwo\n\nthree `x`", "Copy");
    assert_eq!(short[..2], long[..2]);
}

#[test]
fn emphasis_follows_the_words_and_not_the_signs() {
    check(
        "a*b*c a_b_c _d_ **e *f* g** ***h*** 2 * 3 * 4 snake_case_name **un ~/a ~/b \\*no\\* `*x*` ``a ` b``",
        expect![
            "<p>a<em>b</em>c a_b_c <em>d</em> <strong>e <em>f</em> g</strong> <em><strong>h</strong></em> 2 * 3 * 4 snake_case_name **un ~/a ~/b *no* <code>*x*</code> <code>a ` b</code></p>"
        ],
    );
}

#[test]
fn lines_break_where_the_text_says_so() {
    check("a  \nb\\\nc\nd", expect!["<p>a<br>b<br>c\nd</p>"]);
}

#[test]
fn lists_may_be_loose_interrupted_and_numbered_from_anywhere() {
    check(
        "3. a\n4. b\nc\n5. d\n\n- x\n\n- y\n  z\n\n      code\n* other",
        expect![[r#"
            <ol start="3"><li>a</li><li>b
            c</li><li>d</li></ol>
            <ul><li><p>x</p></li><li><p>y
            z</p><div class="md-code"><div class="md-code-bar"><span></span><button type="button" class="md-copy" data-copy-code>Copy</button></div><pre tabindex="0"><code>code
            </code></pre></div></li></ul>
            <ul><li>other</li></ul>"#]],
    );
}

#[test]
fn links_are_found_by_name_and_keep_their_brackets_when_they_are_none() {
    check(
        "[a][X y] [x  Y] ![i][x y] [no] [b](<https://a.org/ b> \"t\") [[c]](d) x[1]\n\n[x y]: https://x.org \"T\"\n\n[not]: a definition",
        expect![[r#"
            <p><a rel="noreferrer noopener" href="https://x.org">a</a> <a rel="noreferrer noopener" href="https://x.org">x  Y</a> <a rel="noreferrer noopener" href="https://x.org">i</a> [no] <a rel="noreferrer noopener" href="https://a.org/ b">b</a> <a class="md-dead" title="d">[c]</a> x[1]</p>
            <p>[not]: a definition</p>"#]],
    );
}

#[test]
fn rules_headings_and_fences_end_a_paragraph() {
    check(
        "a\n---\nb\n***\nc\n## d ##\n~~~\n```\n  x\n~~~\n    y\n> q\nlazy\n\nz\n====",
        expect![[r#"
            <h4>a</h4>
            <p>b</p>
            <hr>
            <p>c</p>
            <h4>d</h4>
            <div class="md-code"><div class="md-code-bar"><span></span><button type="button" class="md-copy" data-copy-code>Copy</button></div><pre tabindex="0"><code>```
              x
            </code></pre></div>
            <div class="md-code"><div class="md-code-bar"><span></span><button type="button" class="md-copy" data-copy-code>Copy</button></div><pre tabindex="0"><code>y
            </code></pre></div>
            <blockquote><p>q
            lazy</p></blockquote>
            <h3>z</h3>"#]],
    );
}

#[test]
fn no_text_takes_long_or_fails() {
    let begun = std::time::Instant::now();
    let odd = [
        "[",
        "]",
        "*a",
        "**",
        "`",
        "``a`",
        "<http",
        "&#",
        "[](",
        "[a](",
        "> ",
        "- ",
        "1. ",
        "|a\n|-\n",
        "#\n",
        "\\",
        "\t",
        "![",
        "_~~",
        "> a\nb\n",
        "[a]: b\n",
        "é*",
        "- a\n\n b",
        "```\n",
    ];
    for piece in odd {
        let all = blocks(&piece.repeat(60_000 / piece.len()), "Copy");
        assert!(
            all.iter().all(|html| !html.contains("<script")),
            "{piece:?}"
        );
    }
    // Seconds for a debug build; the slowest is a tenth of one in a release build.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
