//! The kinds of task.

use azr_guest_sdk::kind as plain_kind;

/// What is hidden from the solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The output.
    Deduction,
    /// The arguments.
    Abduction,
    /// The program.
    Induction,
    /// The exception that escapes from the call, or that there is none.
    ErrorDeduction,
}

/// More would only lengthen the prompt; the reference implementation shows 6.
const REFERENCES_MAX: u32 = 32;

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Deduction, Kind::Abduction, Kind::Induction, Kind::ErrorDeduction];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Deduction => "deduction",
            Kind::Abduction => "abduction",
            Kind::Induction => "induction",
            Kind::ErrorDeduction => "error-deduction",
        }
    }

    /// The kind of this name. The host asks for described kinds only, so any other is a fault.
    pub fn named(name: &str) -> Kind {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.unwrap_or_else(|| panic!("{name} is not a kind of this environment"))
    }

    pub fn describe(self) -> azr_guest_sdk::Kind {
        let (asks, references_from, references_max) = match self {
            Kind::Deduction => {
                ("Given a program and its arguments, what is the output?", vec!["deduction"], REFERENCES_MAX)
            }
            Kind::Abduction => {
                ("Given a program and an output, which arguments lead to it?", vec!["abduction"], REFERENCES_MAX)
            }
            // The proposer finds inputs for a program that exists.
            Kind::Induction => ("Given arguments and outputs, what is the program?", vec!["deduction", "abduction"], 1),
            Kind::ErrorDeduction => (
                "Given a program and its arguments, which exception escapes, if any?",
                vec!["error-deduction"],
                REFERENCES_MAX,
            ),
        };
        azr_guest_sdk::Kind {
            proposable: true,
            references_from: references_from.into_iter().map(String::from).collect(),
            references_max,
            ..plain_kind(self.name(), asks)
        }
    }
}
