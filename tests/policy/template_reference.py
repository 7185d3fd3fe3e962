"""What transformers makes of chat templates, for the tests of host/policy/src/template.rs.

    python3 -m venv .venv && .venv/bin/pip install transformers==5.23.0 jinja2==3.1.6
    .venv/bin/python tests/policy/template_reference.py > tests/policy/template_reference.json
"""

import json

from transformers.utils.chat_template_utils import render_jinja_template

TEXTS = ["", "abc", "  Two words\t", "a,b,,c", "ABC", "Title Case", "1234", "x=1\r\ny=2\x0bz\n", "é\u00a0ß ﬁn", "ǆ Σίσυφος", "<b>\"q\"'s</b>", "\x1f\u2028 ٣²½"]  # fmt: skip
METHODS = [
    "strip()", "lstrip()", "rstrip()", "strip('ac ')", "lstrip('<b>')", "rstrip(chars)", "split()", "rsplit()", "split(',')", "rsplit(',', 1)",
    "split(None, 1)", "rsplit(None, 1)", "split(sep=',', maxsplit=2)", "split(',', 0)", "splitlines()", "splitlines(True)", "splitlines(keepends=true)",
    "partition(',') | list", "rpartition(',') | list", "find('b')", "rfind('b', 1)", "find('')", "find('c', -2)", "find('b', 0, 1)", "find('ß')",
    "count('')", "count('b')", "count(',', 2)", "startswith('a')", "startswith(('T', 'a'))", "startswith('b', 1)", "endswith('c')", "endswith('b', 0, 2)",
    "removeprefix('a')", "removesuffix('c')", "replace('', '-')", "replace('b', 'xx')", "replace('b', 'xx', 0)", "replace(',', ';', 1)", "join(['x', 'y'])",
    "center(9)", "center(10, '*')", "ljust(7, '.')", "rjust(7)", "zfill(6)", "expandtabs()", "expandtabs(tabsize=3)", "upper()", "lower()", "casefold()",
    "swapcase()", "capitalize()", "title()", "isalnum()", "isalpha()", "isascii()", "isidentifier()", "islower()", "isupper()", "isspace()", "istitle()",
    "translate({97: 'A', 98: none})", "translate(''.maketrans('ab', 'xy', 'c'))",
]  # fmt: skip
ALONE = [
    "'ab'.index('b')", "'ab'.index('x')", "'abab'.rindex('b')", "'+7'.zfill(4)", "'-'.zfill(3)", "'{} and {0!r}'.format('x')", "'{} and {x}'.format('y', x=1)",
    "'{a}-{b}'.format_map({'a': 1, 'b': 2})", "'7'.isdigit()", "'7a'.isdigit()", "'_x1'.isidentifier()", "'a b'.isprintable()", "'a\\n'.isprintable()",
    "'a'.split('')", "'a'.nothing()", "'a'.upper(1)", "'x'.join([1])", "tools is none", "tools is defined and documents is none", "bos_token + eos_token",
    "pad_token is defined", "add_generation_prompt", "messages[0].content.strip()", "messages[0]['role'] == 'user'", "messages | length",
    "[1, 2] | tojson", "{'b': 1, 'a': [true, none, 1.5, 'é<']} | tojson", "{'b': 1, 'a': {}} | tojson(sort_keys=true)", "{'b': [1, {}], 'a': []} | tojson(indent=2)",
    "'é\U0001f600\\x7f' | tojson(ensure_ascii=true)", "'a\"\\n\\t\\\\/' | tojson", "[1, {'a': 2}] | tojson(separators=(',', ':'))", "[1e16, 1e-5, 1.0, 0.0001, -2.5e20] | tojson",
    "messages | tojson", "messages[0] | tojson(indent=4)", "{'a': 1}.items() | list", "{'a': 1, 'c': 2}.keys() | list", "{'a': 1}.get('b', 3)", "{'z': 1, 'a': 2}",
    "[1, 2, 2].count(2)", "'abc'[::-1]", "'abc'[-2:]", "'ab' * 2", "('a', 'b') | join('-')", "'%s is %d' % ('x', 3)", "[3, 1, 2] | sort | first",
    "messages | selectattr('role', 'equalto', 'user') | list | length", "messages | map(attribute='role') | join", "none | default('d', true)", "'a' ~ 1 ~ none ~ true",
    "1 if 'a' in 'abc' else 2", "undefined_name is defined", "undefined_name", "undefined_name.x", "undefined_name + 'x'", "7 // 2", "7 / 2", "2 ** 10", "-7 % 3", "1.0", "10 ** 20",
    "'a' is string", "{} is mapping", "[] is iterable", "[] is sequence", "1 is number", "true is boolean", "'x' | upper | lower | trim", "'a b' | title", "'<a>' | e",
    "['a', 'b'] | last", "'text' | length", "dict(a=1).a", "namespace(a=1).a", "range(3) | list", "'x' | indent(2)", "'a\\nb' | indent(2)", "[[1, 2], [3]] | sum(start=[]) | length",
]  # fmt: skip
STATEMENTS = [
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for m in messages %}{% generation %}{{ m['content'] }}{% endgeneration %}{% endfor %}",
    "{%- generation -%} a {%- endgeneration -%} b",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "{% generation %}\n  {{ bos_token }}\n{% endgeneration %}\nend",
    "{% macro f(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}{{ f(1, b=3) }}",
    "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
    "{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}{{ v }}{{ loop.index }}{{ loop.last }}{% endfor %}",
    "{% for i in [1, 2, 3] if i != 2 %}{{ i }}{% else %}none{% endfor %}{% for i in [] %}{% else %}none{% endfor %}",
    "{% if strftime_now is defined %}{{ strftime_now('%Y') | length }}{% endif %}",
    "{% set a, b = 'x-y'.split('-') %}{{ b }}{{ a }}",
    "{% set t %}in {{ bos_token }}{% endset %}{{ t | upper }}",
    "{% for m in messages | reverse %}{{ loop.revindex0 }}{{ loop.previtem is defined }}{% endfor %}",
    "{% filter upper %}a{% endfilter %}{% raw %}{{ x }}{% endraw %}{# comment #}",
    "{{ {'a': [1, 'x', none, true, 2.0]} }}",
    "{%- if messages[0].tool_calls is defined and messages[0].tool_calls %}yes{% else %}no{% endif -%}",
]


def templates():
    for text in TEXTS:
        for method in METHODS:
            yield "{{ " + json.dumps(text, ensure_ascii=True).replace("\\u2028", "\u2028").replace("\\u001f", "\\x1f") + "." + method + " }}"
    for expression in ALONE:
        yield "{{ " + expression + " }}"
    yield from STATEMENTS


def rendered(template):
    try:
        conversation = [{"role": "user", "content": "Hi"}]
        out, _ = render_jinja_template([conversation], chat_template=template, add_generation_prompt=True, bos_token="<s>", eos_token="</s>")
        return out[0]
    except Exception:  # a refusal
        return None


if __name__ == "__main__":
    print(json.dumps([{"template": template, "rendered": rendered(template)} for template in templates()], indent=0))
