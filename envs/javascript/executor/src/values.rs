//! The byte encoding of JavaScript values that crosses the boundary.
//!
//! The encoding is described in `guest-sdk/src/value.rs`; a value of JavaScript is the part of it on the right:
//!
//! | value | encoding |
//! |---|---|
//! | `undefined` | `u0:`, the empty tuple |
//! | `null`, `true`, `false` | `n`, `t`, `f` |
//! | number | a float, integers too: `1` and `1.0` are one number, `0` and `-0` compare equal, and `NaN` equals itself |
//! | bigint | an integer |
//! | string | a string; one with a lone surrogate is not a value |
//! | array | a list; one with holes or further properties is not a value |
//! | plain object | a dict with strings as keys, in the order of its properties |
//! | `Set` | a set. Equal objects can be in it twice |
//! | `Map` | `u1:`, a tuple, of a dict |
//!
//! Values are read from the engine's memory, not by the language: no getter, no trap of a proxy, no `toJSON`, `valueOf`,
//! `toString` or iterator of the program is called, and what it does to prototypes does not matter. An object is plain if
//! its prototype is that of object literals or `null`, and all its properties are enumerable data under string keys.
//! Arrays, maps and sets must have the prototype that they are born with. Everything else is refused with the reason:
//! instances of classes, functions, symbols, promises, proxies, errors, dates, typed arrays, wrapped primitives.

use boa_engine::object::builtins::{JsArray, JsMap, JsSet};
use boa_engine::property::PropertyKey;
use boa_engine::value::JsVariant;
use boa_engine::{Context, JsBigInt, JsObject, JsResult, JsString, JsValue, js_string};

/// A result is refused beyond these before it is built in full. The judge's own limit on the text of a value is far
/// lower; these protect the host's memory from a program that returns a huge or a self-containing object.
const VALUE_MAX_BYTES: usize = 64 * 1024;
const NESTING_MAX: usize = 100;
/// What every reader of the encoding accepts; so many bits always fit.
const INTEGER_MAX_DIGITS: usize = 4300;
const INTEGER_SAFE_BITS: u64 = 14_284;

/// A result that is not a plain value: the reason.
pub struct Unsupported(pub String);

type Encoded = Result<(), Unsupported>;

fn refuse<T>(reason: impl Into<String>) -> Result<T, Unsupported> {
    Err(Unsupported(reason.into()))
}

/// The bytes of a value.
pub fn encode(value: &JsValue, context: &mut Context) -> Result<Vec<u8>, Unsupported> {
    let mut encoder = Encoder { out: Vec::new(), nesting: 0, context };
    encoder.value(value)?;
    Ok(encoder.out)
}

struct Encoder<'a> {
    out: Vec<u8>,
    nesting: usize,
    context: &'a mut Context,
}

impl Encoder<'_> {
    fn value(&mut self, value: &JsValue) -> Encoded {
        match value.variant() {
            JsVariant::Undefined => self.write("u0:"),
            JsVariant::Null => self.write("n"),
            JsVariant::Boolean(true) => self.write("t"),
            JsVariant::Boolean(false) => self.write("f"),
            JsVariant::Integer32(number) => self.number(f64::from(number)),
            JsVariant::Float64(number) => self.number(number),
            JsVariant::BigInt(number) if number.as_inner().bits() > INTEGER_SAFE_BITS => {
                refuse(format!("a bigint of more than {INTEGER_MAX_DIGITS} digits"))
            }
            JsVariant::BigInt(number) => self.write(&format!("i{};", number.to_string_radix(10))),
            JsVariant::String(text) => self.string(&text),
            JsVariant::Symbol(_) => refuse("a symbol"),
            JsVariant::Object(object) => {
                if self.nesting == NESTING_MAX {
                    return refuse(format!("a value nested more than {NESTING_MAX} deep"));
                }
                self.nesting += 1;
                self.object(object)?;
                self.nesting -= 1;
                Ok(())
            }
        }
    }

    fn write(&mut self, part: &str) -> Encoded {
        if self.out.len() + part.len() > VALUE_MAX_BYTES {
            return refuse(format!("a value of more than {VALUE_MAX_BYTES} encoded bytes"));
        }
        self.out.extend(part.as_bytes());
        Ok(())
    }

    fn number(&mut self, number: f64) -> Encoded {
        let bits = if number.is_nan() { 0x7ff8_0000_0000_0000 } else { number.to_bits() };
        self.write(&format!("d{bits:016x}"))
    }

    fn string(&mut self, text: &JsString) -> Encoded {
        if text.len() > VALUE_MAX_BYTES {
            return refuse(format!("a value of more than {VALUE_MAX_BYTES} encoded bytes"));
        }
        let Ok(text) = text.to_std_string() else { return refuse("a string with a lone surrogate") };
        self.write(&format!("s{}:{text}", text.len()))
    }

    fn object(&mut self, object: JsObject) -> Encoded {
        let born = self.context.intrinsics().constructors();
        let [plain, array, map, set] =
            [born.object(), born.array(), born.map(), born.set()].map(|constructor| constructor.prototype());
        let has_prototype = |born: &JsObject| object.prototype().is_some_and(|own| JsObject::equals(&own, born));
        if object.is_callable() {
            return refuse("a function");
        }
        if object.is_ordinary() && (object.prototype().is_none() || has_prototype(&plain)) {
            return self.entries(&object);
        }
        if object.is_array() && has_prototype(&array) {
            return self.items(&object);
        }
        if let Ok(map_object) = JsMap::from_object(object.clone())
            && has_prototype(&map)
        {
            return self.map(&object, &map_object);
        }
        if let Ok(set_object) = JsSet::from_object(object.clone())
            && has_prototype(&set)
        {
            return self.set(&object, &set_object);
        }
        match JsValue::from(object.clone()).as_promise() {
            Some(_) => refuse("a promise; f must return its result itself"),
            None if object.is_ordinary() || object.is_array() => refuse("an instance of a class"),
            None => refuse("an object that is neither plain nor an array, a Map or a Set"),
        }
    }

    fn entries(&mut self, object: &JsObject) -> Encoded {
        let keys = self.keys(object);
        self.write(&format!("m{}:", keys.len()))?;
        for key in keys {
            match &key {
                PropertyKey::String(name) => self.string(name)?,
                PropertyKey::Index(index) => self.string(&js_string!(index.get().to_string()))?,
                PropertyKey::Symbol(_) => return refuse("an object with a symbol as a key"),
            }
            self.property(object, &key)?;
        }
        Ok(())
    }

    fn items(&mut self, array: &JsObject) -> Encoded {
        let length = array.borrow().properties().get(&js_string!("length").into());
        let length = length.and_then(|length| length.value()?.as_number()).unwrap_or_default() as usize;
        if length > VALUE_MAX_BYTES {
            return refuse(format!("a value of more than {VALUE_MAX_BYTES} encoded bytes"));
        }
        let keys = self.keys(array);
        let indices = keys.iter().take_while(|key| matches!(key, PropertyKey::Index(_))).count();
        if indices < length {
            return refuse("an array with holes");
        }
        // The length is a property as well.
        if keys.len() > length + 1 {
            return refuse("an array with further properties");
        }
        self.write(&format!("l{length}:"))?;
        keys[..length].iter().try_for_each(|key| self.property(array, key))
    }

    fn map(&mut self, object: &JsObject, map: &JsMap) -> Encoded {
        let mut entries = Vec::new();
        read(map.for_each_native(|key, value| {
            entries.push([key, value]);
            Ok(())
        }));
        self.without_properties(object)?;
        self.write(&format!("u1:m{}:", entries.len()))?;
        entries.iter().flatten().try_for_each(|part| self.value(part))
    }

    fn set(&mut self, object: &JsObject, set: &JsSet) -> Encoded {
        let mut items = Vec::new();
        read(set.for_each_native(|item| {
            items.push(item);
            Ok(())
        }));
        self.without_properties(object)?;
        self.write(&format!("e{}:", items.len()))?;
        items.iter().try_for_each(|item| self.value(item))
    }

    fn without_properties(&mut self, object: &JsObject) -> Encoded {
        if self.keys(object).is_empty() { Ok(()) } else { refuse("a Map or a Set with further properties") }
    }

    /// Indices in ascending order, then names as they were added, then symbols.
    fn keys(&mut self, object: &JsObject) -> Vec<PropertyKey> {
        read(object.own_property_keys(self.context))
    }

    fn property(&mut self, object: &JsObject, key: &PropertyKey) -> Encoded {
        let property = object.borrow().properties().get(key).unwrap_or_default();
        match property.value() {
            _ if property.is_accessor_descriptor() => refuse("an object with a getter or a setter"),
            _ if property.enumerable() != Some(true) => refuse("an object with a property that is not enumerable"),
            Some(value) => self.value(value),
            None => self.value(&JsValue::undefined()),
        }
    }
}

/// What the engine says of an ordinary object, an array, a map or a set.
fn read<T>(result: JsResult<T>) -> T {
    result.expect("nothing of the program runs here")
}

/// Fresh arguments from the bytes of a call. The judge wrote them, so anything malformed is a bug there.
pub fn decode(bytes: &[u8], context: &mut Context) -> Vec<JsValue> {
    let mut decoder = Decoder { rest: bytes, context };
    decoder.head(b'u');
    let count = decoder.head(b'u');
    (0..count).map(|_| decoder.value()).collect()
}

struct Decoder<'a> {
    rest: &'a [u8],
    context: &'a mut Context,
}

impl Decoder<'_> {
    fn value(&mut self) -> JsValue {
        let tag = self.rest[0];
        match tag {
            b'n' | b't' | b'f' => {
                self.take(1);
                if tag == b'n' { JsValue::null() } else { JsValue::from(tag == b't') }
            }
            b'd' => {
                let digits = &self.take(17)[1..];
                let bits = u64::from_str_radix(digits, 16).expect("a float has hexadecimal digits");
                JsValue::rational(f64::from_bits(bits))
            }
            b'i' => {
                let digits = &self.until(b';')[1..];
                JsBigInt::from_string(digits).expect("an integer has decimal digits").into()
            }
            b's' => {
                let length = self.head(b's');
                JsString::from(self.take(length)).into()
            }
            b'l' => {
                let count = self.head(b'l');
                let items: Vec<JsValue> = (0..count).map(|_| self.value()).collect();
                JsArray::from_iter(items, self.context).into()
            }
            b'm' => self.plain_object().into(),
            b'e' => {
                let count = self.head(b'e');
                let items: Vec<JsValue> = (0..count).map(|_| self.value()).collect();
                JsSet::from_iter(items, self.context).into()
            }
            b'u' if self.head(b'u') == 0 => JsValue::undefined(),
            b'u' => self.map().into(),
            _ => panic!("an encoding that JavaScript has no value for"),
        }
    }

    fn plain_object(&mut self) -> JsObject {
        let object = JsObject::with_object_proto(self.context.intrinsics());
        for _ in 0..self.head(b'm') {
            let length = self.head(b's');
            let name = JsString::from(self.take(length));
            let value = self.value();
            read(object.create_data_property(name, value, self.context));
        }
        object
    }

    fn map(&mut self) -> JsMap {
        let map = JsMap::new(self.context);
        for _ in 0..self.head(b'm') {
            let (key, value) = (self.value(), self.value());
            read(map.set(key, value, self.context));
        }
        map
    }

    /// The count after a tag.
    fn head(&mut self, tag: u8) -> usize {
        let head = self.until(b':');
        assert_eq!(head.as_bytes()[0], tag, "the arguments are well formed");
        head[1..].parse().expect("a count has decimal digits")
    }

    fn until(&mut self, end: u8) -> &str {
        let length = self.rest.iter().position(|byte| *byte == end).expect("the encoding is complete");
        let (part, rest) = self.rest.split_at(length);
        self.rest = &rest[1..];
        std::str::from_utf8(part).expect("heads are ASCII")
    }

    fn take(&mut self, length: usize) -> &str {
        let (part, rest) = self.rest.split_at(length);
        self.rest = rest;
        std::str::from_utf8(part).expect("texts are UTF-8")
    }
}
