# SPDX-License-Identifier: Apache-2.0
"""Characters: cases, kinds, white space, entities, escapes in texts."""

from cases import case, printed

WORDS = ["'ǆo'", "'ﬁx'", "'ŉ'", "'ᾳ ᾲ ᾷ'", "'საქართველო'", "'straße GROẞ'", "'ὀδυσσεύς ΣΑΣ'", "'İI ıi'", "'e\\u0301x'", "'中文字'", "'they\\'re x_y-z'", "'½²٣'", "'a中b'", "'Ǆ ǅ'", "'\\x1c a\\x85b\\u3000'", "'Ꭰꭰ'", "'ͅ'"]
METHODS = ["upper()", "lower()", "title()", "capitalize()", "swapcase()", "casefold()", "isupper()", "islower()", "istitle()", "isdigit()", "isnumeric()", "isdecimal()", "isalpha()", "isalnum()", "isidentifier()", "isspace()", "strip()", "split()", "isprintable()"]
SPACES = ["\x1c", "\x1f", "\x85", "\xa0", "\u2028", "\u3000", "\ufeff", "\u200b", "\x0b"]

CASES = (
    printed("characters", {}, [f"{w}.{m}" for w in WORDS for m in METHODS])
    + printed("characters", {}, [f"{w}|{f}" for w in WORDS for f in ["title", "capitalize", "wordcount", "trim", "length"]])
    + printed("characters", {}, ["'一二三'.isnumeric()", "'①'.isdigit()", "'Ⅷ'.isnumeric()", "'𝟙'.isdecimal()", "'๓'|int", "'-１.５'|float", "'🄂'.isdigit()", "'a.b c'|title", "\"it's o'neil-smith (and <co>)\"|title"])
    + printed(
        "entities",
        {},
        [f"'{s}'|striptags" for s in ["&eacute;&amp;&mdash;&hellip;", "&eacute &ampx &notit;", "&#150;&#x80;&#0;&#13;", "&#xD800;&#1114112;&#1;&#x1F600;", "&nope; & &; &#; &#x;", "a<!-- > -->b<c>d", "a <!-->b", "<!-- x", "a < b > c", "<a\\nb>c", "&lt;b&gt;", "x&#55357;&#56832;y", "&AMP;&COPY&REG;", "<<a>>", "a  \\n b", "&nbsp;x&nbsp;"]],
    )
    + printed(
        "urlize",
        {},
        [f"'{s}'|urlize" for s in ["HTTP://A.COM", "(a.com) <b.org>, c.net.", "www.x.co/y?z#q", "http://1.2.3.4:80/x", "a@b.c", "mailto:a@b.c", "@a@b.c", "a.com,b.com", "http://a.com)))", "http://a.com/(b)", "((http://a.com/(b)))", "ftp://a.com", "a\\x1cb.com", "x.é http://é.com", "&lt;http://a.com&gt;"]]
        + ["'http://a.com/long/path'|urlize(10)", "'a.com'|urlize(nofollow=true)", "'a.com'|urlize(target='_blank', rel='x y')", "'tel:1 x:2'|urlize(extra_schemes=['tel:'])", "'x'|urlize(extra_schemes=['1'])", "'a.com'|urlize(rel='')", "'😀.com http://a.com/😀😀😀'|urlize(14)"],
    )
    + [case(f"space: {hex(ord(c))}", f"a{c}{{%- if true -%}}{c}b{c}{{%- endif %}}\n{c}{{% set x = 1 %}}\n{{{{ 1{c}}}}}{{{{ 'a{c}b'|trim }}}}{{{{ 'a{c}b'.split() }}}}{{{{ 'a{c}b'.splitlines() }}}}{{{{ '{c}'.isspace() }}}}") for c in SPACES]
    + [case(f"string: {s}", "{{ " + s + " }}") for s in ["'\\é'", "'\\😀'", "'\\ud83d\\ude00'", "'\\U00110000'", "'\\N{DASH}'", "'\\777'", "'\\8'", "'\\\n'", "'\\u00e'", "['\\ud83d']", "['\\x80\\x9f\\xad\\u0378\\ue000\\U0010ffff']", "\"'\" '\"'", "['\\'', '\"', '\\'\"']"]]
)
