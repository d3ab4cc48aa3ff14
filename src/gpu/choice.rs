//! Which kernels make the matrix products of convolutions on a device: a choice for each operation and class of shapes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::method::{Class, Family, Method, Operation};

/// The kernels of a device: a family, which decides in which form operands are staged, and methods for
/// products where something better than the family's usual one is known.
///
/// As text: `tile; width=132; forward.deep=winograd; backward_weight.stem=direct-8x4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    family: Family,
    /// Workgroups of 128 invocations that keep the device busy, where that was measured.
    width: Option<u32>,
    methods: BTreeMap<(Operation, Class), Method>,
}

impl Choices {
    /// What a family usually does.
    #[must_use]
    pub fn usual(family: Family) -> Self {
        Self { family, width: None, methods: BTreeMap::new() }
    }

    /// One method wherever it can be.
    #[must_use]
    pub fn only(family: Family, method: Method) -> Self {
        let cases = Operation::ALL.into_iter().flat_map(|o| Class::ALL.map(|class| (o, class)));
        Self { family, width: None, methods: cases.map(|case| (case, method)).collect() }
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The method that is chosen for a product, if one is.
    #[must_use]
    pub fn method(&self, operation: Operation, class: Class) -> Option<Method> {
        self.methods.get(&(operation, class)).copied()
    }

    /// What messages call these kernels: the one method that makes every product, or the family.
    #[must_use]
    pub fn label(&self) -> String {
        let mut methods = self.methods.values();
        match methods.next() {
            Some(first) if methods.all(|method| method == first) => first.to_string(),
            _ => match self.width {
                Some(width) => format!("{}, width {width}", self.family),
                None => self.family.to_string(),
            },
        }
    }

    /// Workgroups of 128 invocations that keep the device busy, where that was measured. Products that make fewer take
    /// smaller tiles, and are cut into slices.
    #[must_use]
    pub fn width(&self) -> Option<u32> {
        self.width
    }

    /// The same for a device of that width.
    #[must_use]
    pub fn with_width(self, width: u32) -> Self {
        Self { width: Some(width), ..self }
    }

    /// How many products have a method of their own.
    #[must_use]
    pub fn chosen(&self) -> usize {
        self.methods.len()
    }

    /// Whether nothing is chosen but a family.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.methods.is_empty() && self.width.is_none()
    }

    /// The same with matrix units for what is half precision, where its other kernels read buffers.
    #[must_use]
    pub fn with_matrix_units(self) -> Self {
        let family = if self.family == Family::Subgroup { self.family } else { Family::Matrix };
        Self { family, ..self }
    }

    /// The same without matrix units.
    #[must_use]
    pub fn without_matrix_units(self) -> Self {
        let family = if self.family == Family::Matrix { Family::Tile } else { self.family };
        Self { family, ..self }
    }

    /// Chooses a method, which must be one of [`Method::all`] of the family.
    pub fn choose(&mut self, operation: Operation, class: Class, method: Method) {
        self.methods.insert((operation, class), method);
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.family)?;
        if let Some(width) = self.width {
            write!(f, "; width={width}")?;
        }
        self.methods.iter().try_for_each(|((o, class), method)| write!(f, "; {o}.{class}={method}"))
    }
}

impl FromStr for Choices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(';').map(str::trim);
        let family = parts.next().unwrap_or_default().parse()?;
        let mut choices = Self::usual(family);
        for part in parts {
            let wrong = || format!("`{part}` is not OPERATION.CLASS=METHOD of the {family} kernels");
            let (case, method) = part.split_once('=').ok_or_else(wrong)?;
            if case == "width" {
                let width = method.parse().ok().filter(|width| (1..=100_000).contains(width));
                choices.width = Some(width.ok_or_else(wrong)?);
                continue;
            }
            let (operation, class) = case.split_once('.').ok_or_else(wrong)?;
            choices.choose(
                named(Operation::ALL, operation).ok_or_else(wrong)?,
                named(Class::ALL, class).ok_or_else(wrong)?,
                named(Method::all(family), method).ok_or_else(wrong)?,
            );
        }
        Ok(choices)
    }
}

/// The one that is written so.
fn named<T: fmt::Display>(all: impl IntoIterator<Item = T>, text: &str) -> Option<T> {
    all.into_iter().find(|one| one.to_string() == text)
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
