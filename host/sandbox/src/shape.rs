//! Where the functions of a component differ from those in `wit/`, in words of WIT.
//!
//! Both sides are walked together and no further than they agree, so the work is bounded by `wit/`, whatever types a
//! component has.

use std::sync::LazyLock;

use wasmtime::component::types::{ComponentFunc, Type};
use wit_parser::{Function, Resolve, TypeDefKind};

/// `wit/`, as this host was built with it.
static OURS: LazyLock<Resolve> = LazyLock::new(|| {
    let mut resolve = Resolve::default();
    resolve.push_source("env.wit", include_str!("../../../wit/env.wit")).expect("the host was built with it");
    resolve
});

/// The functions of one of our interfaces, by its whole name.
pub(super) fn functions(interface: &str) -> impl Iterator<Item = &'static Function> {
    let ours = OURS.interfaces.iter().find(move |(id, _)| OURS.id_of(*id).as_deref() == Some(interface));
    ours.into_iter().flat_map(|(_, interface)| interface.functions.values())
}

/// A function of ours, as WIT declares it.
pub(super) fn declared(function: &Function) -> String {
    format!("{}: {}", function.name, Shape::from(function).shown())
}

/// Where a component's function is another than ours, and both there.
pub(super) fn difference(has: &ComponentFunc, wants: &Function) -> Option<String> {
    let Difference { place, has, wants: ours } = differ(Shape::from(has), Shape::from(wants))?;
    let place = [vec![wants.name.clone()], place].concat().join(", ");
    Some(format!("{place} is {has}, but this azr-host has {ours}"))
}

/// One level of a type or of a function.
struct Shape<T> {
    head: &'static str,
    /// Fields, cases or elements; of a function, the parameters and then the result.
    members: Vec<Member<T>>,
}

/// By its name; an enum's case has no type.
type Member<T> = (String, Option<T>);

/// The types of a component, and those of `wit/`.
trait Shaped: Sized {
    fn shape(&self) -> Shape<Self>;
}

struct Difference {
    /// The way there: a parameter or the result, fields, cases.
    place: Vec<String>,
    has: String,
    wants: String,
}

fn differ<A: Shaped, B: Shaped>(has: Shape<A>, wants: Shape<B>) -> Option<Difference> {
    let same_member = |((a, has), (b, wants)): (&Member<A>, &Member<B>)| a == b && has.is_some() == wants.is_some();
    let same = has.head == wants.head
        && has.members.len() == wants.members.len()
        && has.members.iter().zip(&wants.members).all(same_member);
    if !same {
        return Some(Difference { place: Vec::new(), has: has.shown(), wants: wants.shown() });
    }
    has.members.into_iter().zip(wants.members).find_map(|((name, has), (_, wants))| {
        let mut difference = differ(has?.shape(), wants?.shape())?;
        difference.place.insert(0, name);
        Some(difference)
    })
}

impl<T: Shaped> Shape<T> {
    fn plain(head: &'static str) -> Self {
        Self { head, members: Vec::new() }
    }

    fn of_elements<const N: usize>(head: &'static str, elements: [(&str, Option<T>); N]) -> Self {
        Self { head, members: elements.map(|(name, element)| (name.to_owned(), element)).into() }
    }

    /// As WIT has it, with what lies below the members left out.
    fn shown(&self) -> String {
        let member = |(name, member): &Member<T>| match member {
            Some(member) => format!("{name}: {}", member.shape().brief()),
            None => name.clone(),
        };
        match (self.head, &*self.members) {
            (FUNCTION, [parameters @ .., (_, result)]) => {
                let parameters = parameters.iter().map(member).collect::<Vec<_>>().join(", ");
                let result = result.as_ref().map_or(String::new(), |result| format!(" -> {}", result.shape().brief()));
                format!("func({parameters}){result}")
            }
            ("record" | "variant" | "enum" | "flags", members) => {
                format!("{} {{ {} }}", self.head, members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
            _ => self.brief(),
        }
    }

    fn brief(&self) -> String {
        match (self.head, &*self.members) {
            ("list" | "option" | "result" | "tuple", elements) => {
                let element =
                    |(_, element): &(_, Option<T>)| element.as_ref().map_or("_", |element| element.shape().head);
                format!("{}<{}>", self.head, elements.iter().map(element).collect::<Vec<_>>().join(", "))
            }
            _ => self.head.to_owned(),
        }
    }
}

const FUNCTION: &str = "func";
const RESULT: &str = "its result";

impl From<&ComponentFunc> for Shape<Type> {
    fn from(function: &ComponentFunc) -> Self {
        let parameters = function.params().map(|(name, ty)| (name.to_owned(), Some(ty)));
        Self { head: FUNCTION, members: parameters.chain([(RESULT.to_owned(), function.results().next())]).collect() }
    }
}

impl From<&Function> for Shape<wit_parser::Type> {
    fn from(function: &Function) -> Self {
        let parameters = function.params.iter().map(|param| (param.name.clone(), Some(param.ty)));
        Self { head: FUNCTION, members: parameters.chain([(RESULT.to_owned(), function.result)]).collect() }
    }
}

impl Shaped for Type {
    fn shape(&self) -> Shape<Self> {
        let members = |head, members| Shape { head, members };
        match self {
            Self::Bool => Shape::plain("bool"),
            Self::S8 => Shape::plain("s8"),
            Self::U8 => Shape::plain("u8"),
            Self::S16 => Shape::plain("s16"),
            Self::U16 => Shape::plain("u16"),
            Self::S32 => Shape::plain("s32"),
            Self::U32 => Shape::plain("u32"),
            Self::S64 => Shape::plain("s64"),
            Self::U64 => Shape::plain("u64"),
            Self::Float32 => Shape::plain("f32"),
            Self::Float64 => Shape::plain("f64"),
            Self::Char => Shape::plain("char"),
            Self::String => Shape::plain("string"),
            Self::List(list) => Shape::of_elements("list", [("element", Some(list.ty()))]),
            Self::Option(option) => Shape::of_elements("option", [("some", Some(option.ty()))]),
            Self::Result(result) => Shape::of_elements("result", [("ok", result.ok()), ("error", result.err())]),
            Self::Tuple(tuple) => {
                members("tuple", tuple.types().enumerate().map(|(index, ty)| (index.to_string(), Some(ty))).collect())
            }
            Self::Record(record) => {
                members("record", record.fields().map(|field| (field.name.to_owned(), Some(field.ty))).collect())
            }
            Self::Variant(variant) => {
                members("variant", variant.cases().map(|case| (case.name.to_owned(), case.ty)).collect())
            }
            Self::Enum(names) => members("enum", names.names().map(|name| (name.to_owned(), None)).collect()),
            Self::Flags(names) => members("flags", names.names().map(|name| (name.to_owned(), None)).collect()),
            Self::Own(_) | Self::Borrow(_) => Shape::plain("resource"),
            Self::Map(_) => Shape::plain("map"),
            Self::Future(_) => Shape::plain("future"),
            Self::Stream(_) => Shape::plain("stream"),
            Self::ErrorContext => Shape::plain("error-context"),
            Self::FixedLengthList(_) => Shape::plain("fixed-length list"),
        }
    }
}

impl Shaped for wit_parser::Type {
    fn shape(&self) -> Shape<Self> {
        match *self {
            Self::Bool => Shape::plain("bool"),
            Self::U8 => Shape::plain("u8"),
            Self::U16 => Shape::plain("u16"),
            Self::U32 => Shape::plain("u32"),
            Self::U64 => Shape::plain("u64"),
            Self::S8 => Shape::plain("s8"),
            Self::S16 => Shape::plain("s16"),
            Self::S32 => Shape::plain("s32"),
            Self::S64 => Shape::plain("s64"),
            Self::F32 => Shape::plain("f32"),
            Self::F64 => Shape::plain("f64"),
            Self::Char => Shape::plain("char"),
            Self::String => Shape::plain("string"),
            Self::ErrorContext => Shape::plain("error-context"),
            Self::Id(id) => defined(&OURS.types[id].kind),
        }
    }
}

fn defined(kind: &TypeDefKind) -> Shape<wit_parser::Type> {
    let members = match kind {
        TypeDefKind::Type(ty) => return ty.shape(),
        TypeDefKind::List(ty) => return Shape::of_elements("list", [("element", Some(*ty))]),
        TypeDefKind::Option(ty) => return Shape::of_elements("option", [("some", Some(*ty))]),
        TypeDefKind::Result(result) => {
            return Shape::of_elements("result", [("ok", result.ok), ("error", result.err)]);
        }
        TypeDefKind::Record(record) => record.fields.iter().map(|field| (field.name.clone(), Some(field.ty))).collect(),
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| (case.name.clone(), case.ty)).collect(),
        TypeDefKind::Enum(names) => names.cases.iter().map(|case| (case.name.clone(), None)).collect(),
        // Nothing else is in `wit/`; a component's type would differ from it.
        _ => Vec::new(),
    };
    Shape { head: kind.as_str(), members }
}
