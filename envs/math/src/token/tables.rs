//! What commands and characters stand for.

/// Commands that are another way to write a sign.
const OPERATORS: [(&str, char); 84] = [
    ("le", '≤'),
    ("leq", '≤'),
    ("leqslant", '≤'),
    ("leqq", '≤'),
    ("ge", '≥'),
    ("geq", '≥'),
    ("geqslant", '≥'),
    ("geqq", '≥'),
    ("lt", '<'),
    ("gt", '>'),
    ("ne", '≠'),
    ("neq", '≠'),
    ("approx", '≈'),
    ("simeq", '≈'),
    ("in", '∈'),
    ("cup", '∪'),
    ("bigcup", '∪'),
    ("cap", '∩'),
    ("setminus", '∖'),
    ("smallsetminus", '∖'),
    ("backslash", '∖'),
    ("pm", '±'),
    ("mp", '∓'),
    ("infty", '∞'),
    ("infin", '∞'),
    ("emptyset", '∅'),
    ("varnothing", '∅'),
    ("circ", '°'),
    ("degree", '°'),
    ("degrees", '°'),
    ("cdot", '*'),
    ("cdotp", '*'),
    ("times", '*'),
    ("ast", '*'),
    ("bullet", '*'),
    ("div", '/'),
    ("slash", '/'),
    ("over", '⁄'),
    ("choose", '⑃'),
    ("lbrace", '⦃'),
    ("rbrace", '⦄'),
    ("{", '⦃'),
    ("}", '⦄'),
    ("lbrack", '['),
    ("rbrack", ']'),
    ("lparen", '('),
    ("rparen", ')'),
    ("langle", '⟨'),
    ("rangle", '⟩'),
    ("vert", '|'),
    ("lvert", '|'),
    ("rvert", '|'),
    ("|", '|'),
    ("mid", '|'),
    ("colon", ':'),
    ("%", '%'),
    ("percent", '%'),
    ("$", '$'),
    ("#", '#'),
    ("&", '&'),
    ("_", '_'),
    ("\\", '⏎'),
    ("newline", '⏎'),
    ("cr", '⏎'),
    ("lfloor", '⌊'),
    ("rfloor", '⌋'),
    ("lceil", '⌈'),
    ("rceil", '⌉'),
    ("prime", '\''),
    ("pounds", '£'),
    ("euro", '€'),
    ("cent", '¢'),
    ("textcent", '¢'),
    ("textdollar", '$'),
    ("textdegree", '°'),
    ("dots", '…'),
    ("ldots", '…'),
    ("cdots", '…'),
    ("dotsc", '…'),
    ("equiv", '≡'),
    ("land", '∧'),
    ("wedge", '∧'),
    ("lor", '∨'),
    ("vee", '∨'),
];

/// Characters that are another way to write a sign.
const CHARACTERS: [(char, char); 29] = [
    ('−', '-'),
    ('–', '-'),
    ('‐', '-'),
    ('‑', '-'),
    ('×', '*'),
    ('·', '*'),
    ('⋅', '*'),
    ('∙', '*'),
    ('•', '*'),
    ('∗', '*'),
    ('✕', '*'),
    ('⨯', '*'),
    ('÷', '/'),
    ('⁄', '/'),
    ('∕', '/'),
    ('∶', ':'),
    ('∘', '°'),
    ('º', '°'),
    ('˚', '°'),
    ('′', '\''),
    ('’', '\''),
    ('∣', '|'),
    ('⩽', '≤'),
    ('⩾', '≥'),
    ('≦', '≤'),
    ('≧', '≥'),
    ('⋯', '…'),
    ('、', ','),
    ('∅', '∅'),
];

/// Signs that stand for themselves.
const SIGNS: &str = "+-*/^_()[]{}|,;:=<>!&%'≤≥≠≈∈∪±∓∞∅°⌊⌋⌈⌉£€¢…∖∩≡⟨⟩∧∨";

/// Commands that only set how something looks, with nothing in braces behind them.
const LOOKS: [&str; 47] = [
    "left",
    "right",
    "middle",
    "big",
    "Big",
    "bigg",
    "Bigg",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "biggl",
    "biggr",
    "displaystyle",
    "textstyle",
    "scriptstyle",
    "quad",
    "qquad",
    "enspace",
    "thinspace",
    "limits",
    "mathstrut",
    "strut",
    ",",
    "!",
    ";",
    ":",
    ">",
    " ",
    "(",
    ")",
    "[",
    "]",
    "/",
    "rm",
    "bf",
    "it",
    "sf",
    "tt",
    "cal",
    "bfseries",
    "itshape",
    "boldmath",
    "large",
    "Large",
    "normalsize",
    "noindent",
];

/// Commands that only set how what stands in their braces looks.
const GROUPS: [&str; 23] = [
    "mathbf",
    "boldsymbol",
    "bm",
    "pmb",
    "mathit",
    "mathsf",
    "mathtt",
    "mathnormal",
    "mathcal",
    "mathscr",
    "mathfrak",
    "mathbin",
    "mathord",
    "mathop",
    "underline",
    "underbar",
    "ul",
    "boxed",
    "fbox",
    "framebox",
    "ensuremath",
    "smash",
    "displaylimits",
];

/// Commands whose first braces hold no part of the answer: colours, spaces and what is not to be seen.
const HIDDEN: [&str; 12] = [
    "color",
    "textcolor",
    "colorbox",
    "hspace",
    "vspace",
    "phantom",
    "hphantom",
    "vphantom",
    "label",
    "tag",
    "mspace",
    "kern",
];

/// Commands whose content is upright: words, units, names.
const WORDS: [&str; 14] = [
    "text",
    "textbf",
    "textit",
    "textrm",
    "textnormal",
    "texttt",
    "textsf",
    "textup",
    "textsc",
    "emph",
    "mbox",
    "hbox",
    "mathrm",
    "operatorname",
];

const GREEK: [(char, &str); 32] = [
    ('α', "alpha"),
    ('β', "beta"),
    ('γ', "gamma"),
    ('δ', "delta"),
    ('ε', "epsilon"),
    ('ϵ', "epsilon"),
    ('ζ', "zeta"),
    ('η', "eta"),
    ('θ', "theta"),
    ('ϑ', "theta"),
    ('ι', "iota"),
    ('κ', "kappa"),
    ('λ', "lambda"),
    ('μ', "mu"),
    ('µ', "mu"),
    ('ν', "nu"),
    ('ξ', "xi"),
    ('π', "pi"),
    ('ρ', "rho"),
    ('σ', "sigma"),
    ('τ', "tau"),
    ('υ', "upsilon"),
    ('φ', "phi"),
    ('ϕ', "phi"),
    ('χ', "chi"),
    ('ψ', "psi"),
    ('ω', "omega"),
    ('ℓ', "ell"),
    ('Δ', "Delta"),
    ('∆', "Delta"),
    ('Ω', "Omega"),
    ('Σ', "Sigma"),
];

/// What a command does to what stands around it.
pub enum Meaning {
    Sign(char),
    Look,
    Group,
    Hidden,
    Words,
    /// A function, a letter, or what nobody knows.
    Name,
}

pub fn meaning(command: &str) -> Meaning {
    if let Some((_, sign)) = OPERATORS.iter().find(|(other, _)| *other == command) {
        Meaning::Sign(*sign)
    } else if LOOKS.contains(&command) {
        Meaning::Look
    } else if GROUPS.contains(&command) {
        Meaning::Group
    } else if HIDDEN.contains(&command) {
        Meaning::Hidden
    } else if WORDS.contains(&command) {
        Meaning::Words
    } else {
        Meaning::Name
    }
}

pub fn sign(character: char) -> Option<char> {
    let alias = CHARACTERS.iter().find(|(other, _)| *other == character).map(|(_, sign)| *sign);
    alias.or(SIGNS.contains(character).then_some(character))
}

/// The name of a Greek letter, also of a slanted or bold one.
pub fn greek(character: char) -> Option<&'static str> {
    GREEK.iter().find(|(other, _)| *other == character).map(|(_, name)| *name)
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
        0x3000 => u32::from(' '),
        // A small h in italics is Planck's constant, which was there before.
        0x210E => u32::from('h'),
        _ => code,
    };
    char::from_u32(ascii).unwrap_or(character)
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
