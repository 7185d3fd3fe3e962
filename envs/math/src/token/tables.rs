//! What commands and characters stand for.

/// What a command does to what stands around it.
#[derive(Clone, Copy)]
pub enum Meaning {
    /// Another way to write a sign.
    Sign(char),
    /// Only sets how something looks, with nothing in braces behind it.
    Look,
    /// Only sets how what stands in its braces looks.
    Group,
    /// The first braces hold no part of the answer: colours, spaces and what is not to be seen.
    Hidden,
    /// The content is upright: words, units, names.
    Words,
    /// A function, a letter, or what nobody knows.
    Name,
}

/// Commands in the order of their bytes.
#[rustfmt::skip]
const COMMANDS: [(&str, Meaning); 192] = [
    (" ", Meaning::Look), ("!", Meaning::Look), ("#", Meaning::Sign('#')), ("$", Meaning::Sign('$')),
    ("%", Meaning::Sign('%')), ("&", Meaning::Sign('&')), ("(", Meaning::Look), (")", Meaning::Look),
    (",", Meaning::Look), ("/", Meaning::Look), (":", Meaning::Look), (";", Meaning::Look), (">", Meaning::Look),
    ("Big", Meaning::Look), ("Bigg", Meaning::Look), ("Bigl", Meaning::Look), ("Bigr", Meaning::Look),
    ("Box", Meaning::Look), ("Large", Meaning::Look), ("Longrightarrow", Meaning::Look), ("Rightarrow", Meaning::Look), ("[", Meaning::Look), ("\\", Meaning::Sign('⏎')), ("]", Meaning::Look),
    ("_", Meaning::Sign('_')), ("approx", Meaning::Sign('≈')), ("ast", Meaning::Sign('*')),
    ("backslash", Meaning::Sign('∖')), ("bf", Meaning::Look), ("bfseries", Meaning::Look), ("big", Meaning::Look),
    ("bigcup", Meaning::Sign('∪')), ("bigg", Meaning::Look), ("biggl", Meaning::Look), ("biggr", Meaning::Look),
    ("bigl", Meaning::Look), ("bigr", Meaning::Look), ("blacksquare", Meaning::Look), ("bm", Meaning::Group),
    ("boldmath", Meaning::Look),
    ("boldsymbol", Meaning::Group), ("boxed", Meaning::Group), ("bullet", Meaning::Sign('*')), ("cal", Meaning::Look),
    ("cancel", Meaning::Hidden),
    ("cap", Meaning::Sign('∩')), ("cdot", Meaning::Sign('*')), ("cdotp", Meaning::Sign('*')),
    ("cdots", Meaning::Sign('…')), ("cent", Meaning::Sign('¢')), ("checkmark", Meaning::Look),
    ("choose", Meaning::Sign('⑃')),
    ("circ", Meaning::Sign('°')), ("colon", Meaning::Sign(':')), ("color", Meaning::Hidden),
    ("colorbox", Meaning::Hidden), ("cr", Meaning::Sign('⏎')), ("cup", Meaning::Sign('∪')),
    ("degree", Meaning::Sign('°')), ("degrees", Meaning::Sign('°')), ("displaylimits", Meaning::Group),
    ("displaystyle", Meaning::Look), ("div", Meaning::Sign('/')), ("dots", Meaning::Sign('…')),
    ("dotsc", Meaning::Sign('…')), ("emph", Meaning::Words), ("emptyset", Meaning::Sign('∅')),
    ("enspace", Meaning::Look), ("ensuremath", Meaning::Group), ("equiv", Meaning::Sign('≡')),
    ("euro", Meaning::Sign('€')), ("fbox", Meaning::Group), ("framebox", Meaning::Group), ("ge", Meaning::Sign('≥')),
    ("geq", Meaning::Sign('≥')), ("geqq", Meaning::Sign('≥')), ("geqslant", Meaning::Sign('≥')),
    ("gt", Meaning::Sign('>')), ("hbox", Meaning::Words), ("hline", Meaning::Look),
    ("hphantom", Meaning::Hidden), ("hspace", Meaning::Hidden),
    ("implies", Meaning::Look), ("in", Meaning::Sign('∈')), ("infin", Meaning::Sign('∞')), ("infty", Meaning::Sign('∞')), ("it", Meaning::Look),
    ("itshape", Meaning::Look), ("kern", Meaning::Hidden), ("label", Meaning::Hidden), ("land", Meaning::Sign('∧')),
    ("langle", Meaning::Sign('⟨')), ("large", Meaning::Look), ("lbrace", Meaning::Sign('⦃')),
    ("lbrack", Meaning::Sign('[')), ("lceil", Meaning::Sign('⌈')), ("ldots", Meaning::Sign('…')),
    ("le", Meaning::Sign('≤')), ("left", Meaning::Look), ("leq", Meaning::Sign('≤')), ("leqq", Meaning::Sign('≤')),
    ("leqslant", Meaning::Sign('≤')), ("lfloor", Meaning::Sign('⌊')), ("limits", Meaning::Look),
    ("lor", Meaning::Sign('∨')), ("lparen", Meaning::Sign('(')), ("lt", Meaning::Sign('<')),
    ("lvert", Meaning::Sign('|')), ("mathbf", Meaning::Group), ("mathbin", Meaning::Group),
    ("mathcal", Meaning::Group), ("mathfrak", Meaning::Group), ("mathit", Meaning::Group),
    ("mathnormal", Meaning::Group), ("mathop", Meaning::Group), ("mathord", Meaning::Group),
    ("mathrm", Meaning::Words), ("mathscr", Meaning::Group), ("mathsf", Meaning::Group), ("mathstrut", Meaning::Look),
    ("mathtt", Meaning::Group), ("mbox", Meaning::Words), ("mid", Meaning::Sign('|')), ("middle", Meaning::Look),
    ("mp", Meaning::Sign('∓')), ("mspace", Meaning::Hidden), ("ne", Meaning::Sign('≠')), ("neq", Meaning::Sign('≠')),
    ("newline", Meaning::Sign('⏎')), ("noindent", Meaning::Look), ("normalsize", Meaning::Look),
    ("operatorname", Meaning::Words), ("oslash", Meaning::Sign('∅')), ("over", Meaning::Sign('⁄')), ("percent", Meaning::Sign('%')),
    ("phantom", Meaning::Hidden), ("pm", Meaning::Sign('±')), ("pmb", Meaning::Group), ("pounds", Meaning::Sign('£')),
    ("prime", Meaning::Sign('\'')), ("qed", Meaning::Look), ("qquad", Meaning::Look), ("quad", Meaning::Look), ("rangle", Meaning::Sign('⟩')),
    ("rbrace", Meaning::Sign('⦄')), ("rbrack", Meaning::Sign(']')), ("rceil", Meaning::Sign('⌉')),
    ("rfloor", Meaning::Sign('⌋')), ("right", Meaning::Look), ("rm", Meaning::Look), ("rparen", Meaning::Sign(')')),
    ("rvert", Meaning::Sign('|')), ("scriptstyle", Meaning::Look), ("setminus", Meaning::Sign('∖')),
    ("sf", Meaning::Look), ("simeq", Meaning::Sign('≈')), ("slash", Meaning::Sign('/')),
    ("smallsetminus", Meaning::Sign('∖')), ("smash", Meaning::Group), ("square", Meaning::Look), ("strut", Meaning::Look),
    ("tag", Meaning::Hidden), ("text", Meaning::Words), ("textbf", Meaning::Words), ("textcent", Meaning::Sign('¢')),
    ("textcolor", Meaning::Hidden), ("textdegree", Meaning::Sign('°')), ("textdollar", Meaning::Sign('$')),
    ("textit", Meaning::Words), ("textnormal", Meaning::Words), ("textrm", Meaning::Words),
    ("textsc", Meaning::Words), ("textsf", Meaning::Words), ("textstyle", Meaning::Look), ("texttt", Meaning::Words),
    ("textup", Meaning::Words), ("therefore", Meaning::Look), ("thinspace", Meaning::Look), ("times", Meaning::Sign('*')), ("tt", Meaning::Look),
    ("ul", Meaning::Group), ("underbar", Meaning::Group), ("underline", Meaning::Group),
    ("varnothing", Meaning::Sign('∅')), ("vee", Meaning::Sign('∨')), ("vert", Meaning::Sign('|')),
    ("vphantom", Meaning::Hidden), ("vspace", Meaning::Hidden), ("wedge", Meaning::Sign('∧')),
    ("{", Meaning::Sign('⦃')), ("|", Meaning::Sign('|')), ("}", Meaning::Sign('⦄')),
];

pub fn meaning(command: &str) -> Meaning {
    let found = COMMANDS.binary_search_by(|(name, _)| (*name).cmp(command));
    found.map_or(Meaning::Name, |place| COMMANDS[place].1)
}

/// The sign that a character is, or another way to write.
pub fn sign(character: char) -> Option<char> {
    Some(match character {
        '−' | '–' | '—' | '‐' | '‑' | '﹣' => '-',
        '×' | '·' | '⋅' | '∙' | '•' | '∗' | '✕' | '⨯' => '*',
        '÷' | '⁄' | '∕' => '/',
        '∶' => ':',
        '∘' | 'º' | '˚' => '°',
        '′' | '’' => '\'',
        '∣' => '|',
        '⩽' | '≦' => '≤',
        '⩾' | '≧' => '≥',
        '⋯' => '…',
        '、' => ',',
        'Ø' => '∅',
        '+' | '-' | '*' | '/' | '^' | '_' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | ',' | ';' | ':' | '=' | '<'
        | '>' | '!' | '&' | '%' | '\'' | '≤' | '≥' | '≠' | '≈' | '∈' | '∪' | '±' | '∓' | '∞' | '∅' | '°' | '⌊'
        | '⌋' | '⌈' | '⌉' | '£' | '€' | '¢' | '¥' | '₹' | '…' | '∖' | '∩' | '≡' | '⟨' | '⟩' | '∧' | '∨' => {
            character
        }
        _ => return None,
    })
}

/// The name of a Greek letter.
pub fn greek(character: char) -> Option<&'static str> {
    Some(match character {
        'α' => "alpha",
        'β' => "beta",
        'γ' => "gamma",
        'δ' => "delta",
        'ε' | 'ϵ' => "epsilon",
        'ζ' => "zeta",
        'η' => "eta",
        'θ' | 'ϑ' => "theta",
        'ι' => "iota",
        'κ' => "kappa",
        'λ' => "lambda",
        'μ' | 'µ' => "mu",
        'ν' => "nu",
        'ξ' => "xi",
        'π' => "pi",
        'ρ' => "rho",
        'σ' => "sigma",
        'τ' => "tau",
        'υ' => "upsilon",
        'φ' | 'ϕ' => "phi",
        'χ' => "chi",
        'ψ' => "psi",
        'ω' => "omega",
        'ℓ' => "ell",
        'Γ' => "Gamma",
        'Δ' | '∆' => "Delta",
        'Θ' => "Theta",
        'Λ' => "Lambda",
        'Σ' => "Sigma",
        'Φ' => "Phi",
        'Ψ' => "Psi",
        'Ω' | '\u{2126}' => "Omega",
        _ => return None,
    })
}

/// What Chinese answers count and measure in, and in English.
const CHINESE_UNITS: [(&str, &str); 19] = [
    ("元", "yuan"),
    ("厘米", "centimeters"),
    ("毫米", "millimeters"),
    ("千米", "kilometers"),
    ("公里", "kilometers"),
    ("米", "meters"),
    ("千克", "kilograms"),
    ("公斤", "kilograms"),
    ("克", "grams"),
    ("小时", "hours"),
    ("分钟", "minutes"),
    ("秒", "seconds"),
    ("天", "days"),
    ("年", "years"),
    ("岁", "years"),
    ("度", "degrees"),
    ("万", "myriad"),
    ("人", "people"),
    ("个", "pieces"),
];

/// The Chinese unit that a text begins with, and its name in English.
pub fn chinese_unit(text: &str) -> Option<(&'static str, &'static str)> {
    CHINESE_UNITS.into_iter().find(|(chinese, _)| text.starts_with(chinese))
}

/// A character that only looks different from one in ASCII: full-width forms, and the letters and digits that
/// mathematics has in bold, italic and so on.
pub fn folded(character: char) -> char {
    let code = u32::from(character);
    let ascii = match code {
        0xFF01..=0xFF5E => code - 0xFEE0,
        0x1D7CE..=0x1D7FF => (code - 0x1D7CE) % 10 + u32::from('0'),
        0x1D400..=0x1D6A3 => match (code - 0x1D400) % 52 {
            capital @ 0..26 => capital + u32::from('A'),
            small => small - 26 + u32::from('a'),
        },
        0x1D6A8..=0x1D7CB => greek_letter((code - 0x1D6A8) % 58),
        0x3000 => u32::from(' '),
        // A small h in italics is Planck's constant, which was there before.
        0x210E => u32::from('h'),
        _ => code,
    };
    char::from_u32(ascii).unwrap_or(character)
}

/// The letter of which mathematics has bold and italic ones, in their order: capitals, nabla, small letters, variants.
fn greek_letter(place: u32) -> u32 {
    const VARIANTS: &str = "∂ϵϑϰϕϱϖ";
    match place {
        0..25 => 0x391 + place,
        25 => u32::from('∇'),
        26..51 => 0x3B1 + place - 26,
        place => VARIANTS.chars().nth(place as usize - 51).map_or(0, u32::from),
    }
}

/// Whether nothing is to be seen of it. Such characters part digits all the same: there are two numbers on both sides.
pub fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{200e}')
}

pub fn superscript(character: char) -> Option<char> {
    let place = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱˣ".chars().position(|other| other == character)?;
    "0123456789+-nix".chars().nth(place)
}

pub fn subscript(character: char) -> Option<char> {
    let place = "₀₁₂₃₄₅₆₇₈₉ₙₓₖᵢⱼ".chars().position(|other| other == character)?;
    "0123456789nxkij".chars().nth(place)
}

/// A vulgar fraction, such as ½.
pub fn vulgar(character: char) -> Option<(u32, u32)> {
    let place = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒".chars().position(|other| other == character)?;
    let fractions = [
        (1, 2),
        (1, 3),
        (2, 3),
        (1, 4),
        (3, 4),
        (1, 5),
        (2, 5),
        (3, 5),
        (4, 5),
        (1, 6),
        (5, 6),
        (1, 7),
        (1, 8),
        (3, 8),
        (5, 8),
        (7, 8),
        (1, 9),
        (1, 10),
    ];
    Some(fractions[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_in_order() {
        assert!(COMMANDS.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
