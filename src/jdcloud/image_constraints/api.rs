//! The API `describeImageConstraintsBatch`: its path, its parameters and the rows of its responses.
//!
//! Source: JD Cloud's page of that name. Rows are converted to [`Rule`]s while parsing, and the first invalid row ends the
//! parsing, so that a hostile response needs little memory. The meaning of a row is in `constraint.rs`; that of missing
//! fields here and in `envelope.rs`.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use serde::Deserializer;
use serde::de::{DeserializeSeed as _, Error as _, MapAccess, SeqAccess};

use crate::jdcloud::call::caller::Operation;
use crate::jdcloud::call::envelope::{self, ResponseMeta, ResultReader};
use crate::jdcloud::call::error::{Failure, RequestSummary, RowProblem};
use crate::jdcloud::call::json::{Array, Elements, Fields, Key, Nullable, Object, Text, Undocumented, once};
use crate::jdcloud::http::transport::{MAX_BODY, RawResponse};
use crate::jdcloud::image_constraints::constraint::{Interner, Rule, RuleError};
use crate::jdcloud::signing::query::canonical_query;
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    name: "describeImageConstraintsBatch",
    service: "vm",
    collection: "imageConstraints",
    asks_about: "image",
    lists: "constraints",
};

/// The maximum length of an image id, a constraints type or an instance type. Real ones have about twenty characters.
const MAX_NAME: usize = 1024;
/// The maximum number of instance types of one image. JD Cloud has a few hundred in all.
const MAX_TYPES: usize = 10_000;
/// The maximum memory of the rows of one response. Together with the largest body this is three times the body.
const MAX_COST: usize = 2 * MAX_BODY;
/// The memory of a row without its texts, in a table that is about to grow.
const ROW_COST: usize = 256;

/// The query for `ids`; without ids, it selects every image.
pub(crate) fn query(ids: &[Arc<str>]) -> String {
    let keys: Vec<String> = (1..=ids.len()).map(|number| format!("ids.{number}")).collect();
    canonical_query(keys.iter().zip(ids).map(|(key, id)| (key.as_str(), &**id)))
}

/// The summary of a request for `ids`, or for every image.
pub(crate) fn summary(ids: &[Arc<str>]) -> RequestSummary {
    if ids.is_empty() { RequestSummary::default() } else { RequestSummary::ids(ids) }
}

/// The rows of a response by image. An invalid constraint fails only the reads of its image.
pub(crate) type Rows = HashMap<Arc<str>, Result<Rule, Failure>>;

/// The rules in `response`, to a request for the `requested` images, or for all of the region.
///
/// # Errors
/// An error, a response of another form, a row without an image id or for an image that was not requested.
pub(crate) fn parse(
    response: &RawResponse,
    redactor: &Redactor,
    requested: Option<&[Arc<str>]>,
    interner: &Mutex<Interner>,
) -> (ResponseMeta, Result<Rows, Failure>) {
    envelope::open(response, redactor, Reader { redactor, requested, interner })
}

/// Parses `result`.
#[derive(Clone, Copy)]
struct Reader<'a> {
    redactor: &'a Redactor,
    requested: Option<&'a [Arc<str>]>,
    interner: &'a Mutex<Interner>,
}

impl<'de> ResultReader<'de> for Reader<'_> {
    type Output = Rows;

    fn read<D: Deserializer<'de>>(self, result: D, failure: &mut Option<Failure>) -> Result<Rows, D::Error> {
        Object(ResultFields { reader: self, failure }).deserialize(result)
    }

    fn is_empty(rows: &Rows) -> bool {
        rows.is_empty()
    }
}

struct ResultFields<'a> {
    reader: Reader<'a>,
    failure: &'a mut Option<Failure>,
}

impl<'de> Fields<'de> for ResultFields<'_> {
    type Value = Rows;

    fn read<A: MapAccess<'de>>(self, mut fields: A) -> Result<Rows, A::Error> {
        let (mut rows, mut unknown) = (None, Undocumented::default());
        let field = "imageConstraints";
        let known = |name: &str| if name == field { None } else { Some(Undocumented::name(name)) };
        while let Some(name) = fields.next_key_seed(Key(known))? {
            match name {
                None => {
                    let elements = RowElements { reader: self.reader, failure: self.failure };
                    once(&mut fields, field, &mut rows, Nullable(Array(elements)))?;
                }
                Some(name) => unknown.skip(name, &mut fields)?,
            }
        }
        if let Some(name) = unknown.in_place_of(&rows) {
            let redactor = self.reader.redactor;
            *self.failure = Some(envelope::undocumented("the result", field, &name, redactor));
            return Err(A::Error::missing_field(field));
        }
        Ok(rows.flatten().unwrap_or_default())
    }
}

struct RowElements<'a> {
    reader: Reader<'a>,
    failure: &'a mut Option<Failure>,
}

impl<'de> Elements<'de> for RowElements<'_> {
    type Value = Rows;

    fn read<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Rows, A::Error> {
        let mut collected = Collected::new(self.reader);
        loop {
            let row = elements.next_element_seed(Object(RowFields)).inspect_err(|_| {
                let (row, reason) = (collected.count + 1, UntrustedText::default());
                *self.failure = Some(Failure::UnreadableRow { row, reason });
            })?;
            let Some(row) = row else { return Ok(collected.rows) };
            if let Err(failure) = collected.add(row) {
                *self.failure = Some(failure);
                return Err(A::Error::custom("an invalid row"));
            }
        }
    }
}

/// A row as it was returned.
struct Row<'de> {
    image_id: Option<Cow<'de, str>>,
    constraint: Option<Constraint<'de>>,
    /// It has no constraint, but has an undocumented field, which may be the constraint.
    is_undocumented: bool,
}

struct Constraint<'de> {
    constraints_type: Option<Cow<'de, str>>,
    instance_types: Option<Vec<Cow<'de, str>>>,
    /// It has no list of types, but has an undocumented field, which may be the list.
    is_undocumented: bool,
}

struct RowFields;

impl<'de> Fields<'de> for RowFields {
    type Value = Row<'de>;

    fn read<A: MapAccess<'de>>(self, mut fields: A) -> Result<Row<'de>, A::Error> {
        let (mut image_id, mut constraint, mut unknown) = (None, None, Undocumented::default());
        let names = ["imageId", "imageInstanceTypeConstraint"];
        let known = |name: &str| names.into_iter().find(|known| *known == name);
        while let Some(name) = fields.next_key_seed(Key(known))? {
            match name {
                Some(name @ "imageId") => {
                    once(&mut fields, name, &mut image_id, Nullable(Text { max: MAX_NAME }))?;
                }
                Some(name) => once(&mut fields, name, &mut constraint, Nullable(Object(ConstraintFields)))?,
                // Its name is in no message.
                None => unknown.skip(String::new(), &mut fields)?,
            }
        }
        let is_undocumented = unknown.in_place_of(&constraint).is_some();
        Ok(Row { image_id: image_id.flatten(), constraint: constraint.flatten(), is_undocumented })
    }
}

struct ConstraintFields;

impl<'de> Fields<'de> for ConstraintFields {
    type Value = Constraint<'de>;

    fn read<A: MapAccess<'de>>(self, mut fields: A) -> Result<Constraint<'de>, A::Error> {
        let (mut constraints_type, mut instance_types, mut unknown) = (None, None, Undocumented::default());
        let names = ["constraintsType", "instanceTypes"];
        let known = |name: &str| names.into_iter().find(|known| *known == name);
        while let Some(name) = fields.next_key_seed(Key(known))? {
            match name {
                Some(name @ "constraintsType") => {
                    once(&mut fields, name, &mut constraints_type, Nullable(Text { max: MAX_NAME }))?;
                }
                Some(name) => once(&mut fields, name, &mut instance_types, Nullable(Array(TypeElements)))?,
                // Its name is in no message.
                None => unknown.skip(String::new(), &mut fields)?,
            }
        }
        Ok(Constraint {
            constraints_type: constraints_type.flatten(),
            is_undocumented: unknown.in_place_of(&instance_types).is_some(),
            instance_types: instance_types.flatten(),
        })
    }
}

struct TypeElements;

impl<'de> Elements<'de> for TypeElements {
    type Value = Vec<Cow<'de, str>>;

    fn read<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut types = Vec::new();
        while let Some(instance_type) = elements.next_element_seed(Text { max: MAX_NAME })? {
            if types.len() == MAX_TYPES {
                return Err(A::Error::custom(format_args!(
                    "more than {MAX_TYPES} instance types of one image"
                )));
            }
            types.push(instance_type);
        }
        Ok(types)
    }
}

/// The rows so far.
struct Collected<'a> {
    reader: Reader<'a>,
    requested: Option<HashMap<&'a str, &'a Arc<str>>>,
    rows: Rows,
    /// The number of rows, including several of one image.
    count: usize,
    cost: usize,
}

impl<'a> Collected<'a> {
    fn new(reader: Reader<'a>) -> Self {
        let requested = reader.requested.map(|ids| ids.iter().map(|id| (&**id, id)).collect());
        Self { reader, requested, rows: Rows::default(), count: 0, cost: 0 }
    }

    /// Adds `row`.
    ///
    /// # Errors
    /// A row that makes the whole response invalid.
    fn add(&mut self, row: Row<'_>) -> Result<(), Failure> {
        self.count += 1;
        let number = self.count;
        let Some(image_id) = row.image_id.filter(|id| !id.is_empty()) else {
            return Err(Failure::MalformedRow {
                row: number,
                id: None,
                problem: RowProblem::NoId { field: "imageId" },
            });
        };
        let (id, is_exact) = self.requested(&image_id)?;
        let rule = match row.constraint {
            _ if row.is_undocumented => Err(RowProblem::UndocumentedField),
            Some(constraint) if constraint.is_undocumented => Err(RowProblem::UndocumentedField),
            None => Ok(Rule::Unrestricted),
            Some(constraint) => self.rule(constraint).map_err(RowProblem::from),
        };
        let redactor = self.reader.redactor;
        let malformed = |problem: RowProblem| Failure::MalformedRow {
            row: number,
            id: Some(redactor.text(&*image_id)),
            problem,
        };
        // Another image, though a gateway that ignores case may mean the same.
        let rule = if is_exact {
            rule.map_err(malformed)
        } else {
            Err(self.other_row(&[Arc::clone(&id)], &image_id))
        };
        match self.rows.entry(id) {
            Entry::Vacant(place) => {
                self.cost += ROW_COST + place.key().len();
                place.insert(rule);
            }
            Entry::Occupied(mut place) => {
                if let Ok(first) = place.get().clone() {
                    *place.get_mut() =
                        rule.and_then(|second| first.agree(second).map_err(|error| malformed(error.into())));
                }
            }
        }
        if self.cost > MAX_COST {
            return Err(Failure::Unexpected { reason: "more rows than a region can have".into() });
        }
        Ok(())
    }

    /// The requested id of the row of `image_id`, and whether they are the same or differ in upper and lower case.
    ///
    /// # Errors
    /// An image that was not requested.
    fn requested(&self, image_id: &str) -> Result<(Arc<str>, bool), Failure> {
        let (Some(requested), Some(ids)) = (&self.requested, self.reader.requested) else {
            return Ok((image_id.into(), true));
        };
        if let Some(id) = requested.get(image_id) {
            return Ok((Arc::clone(*id), true));
        }
        let similar = ids.iter().find(|id| id.eq_ignore_ascii_case(image_id));
        similar.map(|id| (Arc::clone(id), false)).ok_or_else(|| self.other_row(ids, image_id))
    }

    /// The failure of a row of `image_id` in the response to a request for `asked`.
    fn other_row(&self, asked: &[Arc<str>], image_id: &str) -> Failure {
        Failure::OtherRow { asked: RequestSummary::ids(asked), got: self.reader.redactor.text(image_id) }
    }

    fn rule(&mut self, constraint: Constraint<'_>) -> Result<Rule, RuleError> {
        let Constraint { constraints_type, instance_types, .. } = constraint;
        let types = instance_types.as_ref().map(|types| types.iter().map(AsRef::as_ref));
        // Locked for one row at a time, because other responses may be parsed concurrently.
        let mut interner = self.reader.interner.lock().unwrap_or_else(PoisonError::into_inner);
        let before = interner.size();
        let rule = Rule::shared(constraints_type.as_deref(), types, &mut interner);
        self.cost += interner.size() - before;
        rule
    }
}

#[cfg(test)]
mod tests;
