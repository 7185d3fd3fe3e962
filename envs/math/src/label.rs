//! Answers that name choices or statements of a question: ACD; I and III; ①③.

use std::collections::BTreeSet;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Letter(char),
    Roman(String),
    /// In a circle or in parentheses.
    Number(u32),
}

struct Labels {
    labels: BTreeSet<Label>,
    /// Whether letters stand together, as in ACD.
    together: bool,
}

const ROMAN: [&str; 8] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII"];

/// Whether both name the same choices or statements. Letters do where they stand together in one of both only, in their
/// order: otherwise they may be a product.
pub fn are_same(reference: &str, answer: &str) -> bool {
    let (Some(one), Some(other)) = (read(reference), read(answer)) else { return false };
    let letters = matches!(one.labels.first(), Some(Label::Letter(_)));
    one.labels == other.labels && (!letters || one.together != other.together)
}

fn read(text: &str) -> Option<Labels> {
    let mut labels = BTreeSet::new();
    let mut together = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let look = ["\\textbf", "\\text", "\\mathrm", "\\quad", "\\ ", "\\,", "and ", "only"];
        if let Some(look) = look.into_iter().find(|look| rest.starts_with(look)) {
            rest = &rest[look.len()..];
            continue;
        }
        let run = &rest[..rest.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(rest.len())];
        let length = match character {
            '{' | '}' | ',' | ';' | '，' | '、' | '$' => character.len_utf8(),
            c if c.is_whitespace() => c.len_utf8(),
            '①'..='⑳' => {
                let number = u32::from(character) - u32::from('①') + 1;
                labels.insert(Label::Number(number)).then_some(character.len_utf8())?
            }
            '(' | '（' => {
                let inner = &rest[character.len_utf8()..];
                let (number, close) = inner.split_once(')').or_else(|| inner.split_once('）'))?;
                let number = number.parse().ok().filter(|number| (1..=20).contains(number))?;
                labels.insert(Label::Number(number)).then_some(rest.len() - close.len())?
            }
            _ if ROMAN.contains(&run) => labels.insert(Label::Roman(run.into())).then_some(run.len())?,
            'A'..='H' if run.chars().all(|letter| ('A'..='H').contains(&letter)) => {
                let in_order = run.as_bytes().is_sorted_by(|one, next| one < next);
                together = labels.is_empty() && run.len() > 1;
                let new = run.chars().all(|letter| labels.insert(Label::Letter(letter)));
                (in_order && new).then_some(run.len())?
            }
            _ => return None,
        };
        rest = &rest[length..];
    }
    let one_kind = labels.iter().all(|label| {
        labels.first().is_some_and(|first| std::mem::discriminant(first) == std::mem::discriminant(label))
    });
    (one_kind && !labels.is_empty()).then_some(Labels { labels, together })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_same_however_they_stand_together() {
        for (reference, answer, same) in [
            ("ACD", "A, C, D", true),
            ("BC", "\\text{B and C}", true),
            ("BA", "A, B", false),
            ("AB", "AB", false),
            ("A, C", "A", false),
            ("\\text{I and III}", "I, III", true),
            ("\\text{II and III only}", "II, III", true),
            ("II", "\\text{II}", true),
            ("II", "III", false),
            ("①③", "①, ③", true),
            ("①③", "(1)(3)", true),
            ("①③", "①②③", false),
            ("①", "1", false),
            ("(1)(3)", "(1), (3)", true),
            ("(1)(3)", "(1), (2)", false),
            ("MN", "M, N", false),
        ] {
            assert_eq!(are_same(reference, answer), same, "{reference} {answer}");
        }
    }
}
