//! A program as a function that other programs can build on.

/// A program that consists of imports and one function `f`, with that function called `name`; none for any other program,
/// and none where an `f` is something else than the function. An `f(` in a string is renamed as well, which is another
/// function, but one as good.
pub fn renamed(program: &str, name: &str) -> Option<String> {
    let mut top_level = program.lines().filter(|line| line.starts_with(|c: char| !c.is_whitespace() && c != '#'));
    let is_import =
        |line: &str| (line.starts_with("import ") || line.starts_with("from ")) && !line.starts_with("from __future__");
    let definition = top_level.find(|line| !is_import(line))?;
    if !definition.starts_with("def f(") || top_level.next().is_some() {
        return None;
    }
    let (mut renamed, mut copied) = (String::new(), 0);
    for (at, _) in program.match_indices('f') {
        let (before, after) = (program[..at].chars().next_back(), program[at + 1..].chars().next());
        let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if in_word(before) || in_word(after) {
            continue;
        }
        match (before, after) {
            // The prefix of a formatted string.
            (_, Some('\'' | '"')) => {}
            (Some('.'), _) => return None,
            (_, Some('(')) => {
                renamed += &program[copied..at];
                renamed += name;
                copied = at + 1;
            }
            _ => return None,
        }
    }
    Some(renamed + &program[copied..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_and_its_own_calls_are_renamed() {
        let program = "import math\n# f\ndef f(a, of=1):\n    # if\n    return f(a - of) if a else f'{a}'";
        assert_eq!(renamed(program, "g_0"), None, "an f in a comment might be anything");
        let expected = "import math\ndef g_0(a, of=1):\n    return g_0(a - of) if a else f'{a}'";
        let program = program.replace("# f\n", "").replace("    # if\n", "");
        assert_eq!(renamed(&program, "g_0").as_deref(), Some(expected));
    }

    #[test]
    fn other_programs_are_not_functions() {
        for program in [
            "",
            "import math",
            "def g(a):\n return a",
            "def g(a):\n return a\ndef f(a):\n return g(a)",
            "def f(a):\n return a\nx = 1",
            "x = 1\ndef f(a):\n return a",
            "from __future__ import annotations\ndef f(a):\n return a",
            "def f(a):\n return f",
            "def f(a):\n return a.f(1)",
            "def f(a, f):\n return a",
        ] {
            assert_eq!(renamed(program, "g_0"), None, "{program}");
        }
    }
}
