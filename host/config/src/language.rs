//! The languages that programs of the grammar are written in.

use clap::ValueEnum;

/// A language of programs. The operations are the same, as far as a language has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum)]
pub enum Language {
    #[default]
    Python,
    #[value(name = "javascript")]
    JavaScript,
}

impl Language {
    /// Around a string, as the environment of the language prints it.
    pub fn quote(self) -> char {
        match self {
            Self::Python => '\'',
            Self::JavaScript => '"',
        }
    }

    /// The first line of a program with these arguments.
    pub fn head(self, arguments: &str) -> String {
        match self {
            Self::Python => format!("def f({arguments}):"),
            Self::JavaScript => format!("function f({arguments}) {{"),
        }
    }

    /// What comes before a variable and after a statement of the program.
    pub fn statement(self) -> (&'static str, &'static str) {
        match self {
            Self::Python => ("", ""),
            Self::JavaScript => ("const ", ";"),
        }
    }

    /// What follows the last statement.
    pub fn tail(self) -> &'static str {
        match self {
            Self::Python => "",
            Self::JavaScript => "\n}",
        }
    }
}
