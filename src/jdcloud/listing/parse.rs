//! One page of a list: `{"<collection>": [rows], "totalCount": n}`, read as it streams by.
//!
//! The first row that makes no sense, or that was not asked for, ends the parsing, and what is kept of a response is
//! bounded, so that a hostile one costs no memory.

use std::marker::PhantomData;
use std::sync::Arc;

use hashbrown::HashSet;
use serde::Deserializer;
use serde::de::{DeserializeSeed as _, Error as _, MapAccess, SeqAccess};

use super::{ListRequest, Row};
use crate::jdcloud::call::envelope::{self, ResponseMeta, ResultReader};
use crate::jdcloud::call::error::{Failure, RequestSummary, RowProblem};
use crate::jdcloud::call::json::{
    Array, Elements, Fields, Flag, Key, Nullable, Object, Text, Undocumented, WholeNumber, once, skip,
};
use crate::jdcloud::http::transport::{MAX_BODY, RawResponse};
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// The longest text taken. Names have some twenty characters, and a description a few hundred, or what a user has written.
const MAX_TEXT: usize = 64 << 10;
/// What the rows of one response may cost in memory. Together with the longest body this is three times the body.
const MAX_COST: usize = 2 * MAX_BODY;
/// What a text costs besides its bytes.
const TEXT_COST: usize = 64;

/// One page.
#[derive(Debug)]
pub(super) struct Page<R> {
    pub(super) rows: Vec<R>,
    /// How many rows came, with those that are listed twice or passed over.
    pub(super) received: usize,
    /// How many rows the whole list has, as the page says.
    pub(super) total: Option<u64>,
}

impl<R> Default for Page<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), received: 0, total: None }
    }
}

/// Something that the fields of a JSON object say: a row, or an object in one.
pub(crate) trait FromFields: Sized {
    /// # Errors
    /// Fields of another type than documented. Unknown fields are passed over, and absent ones are null.
    fn from_fields<'de, A: MapAccess<'de>>(fields: &mut FieldReader<'_, A>) -> Result<Self, A::Error>;
}

/// The page in `response`, as the response to `request`.
///
/// # Errors
/// Anything but the response to that request.
pub(super) fn parse<R: Row>(
    response: &RawResponse,
    redactor: &Redactor,
    request: &ListRequest,
    asked: &RequestSummary,
) -> (ResponseMeta, Result<Page<R>, Failure>) {
    envelope::open(response, redactor, Reader { redactor, request, asked, row: PhantomData })
}

/// Reads `result`.
struct Reader<'a, R> {
    redactor: &'a Redactor,
    request: &'a ListRequest,
    asked: &'a RequestSummary,
    row: PhantomData<R>,
}

impl<'de, R: Row> ResultReader<'de> for Reader<'_, R> {
    type Output = Page<R>;

    fn read<D: Deserializer<'de>>(
        self,
        result: D,
        failure: &mut Option<Failure>,
    ) -> Result<Page<R>, D::Error> {
        Object(ResultFields { reader: self, failure }).deserialize(result)
    }

    fn is_empty(page: &Page<R>) -> bool {
        page.rows.is_empty()
    }
}

struct ResultFields<'a, R> {
    reader: Reader<'a, R>,
    failure: &'a mut Option<Failure>,
}

/// A field of the result.
enum Known {
    Rows,
    MoreRows,
    Total,
    Unknown(String),
}

impl<'de, R: Row> Fields<'de> for ResultFields<'_, R> {
    type Value = Page<R>;

    fn read<A: MapAccess<'de>>(self, mut fields: A) -> Result<Page<R>, A::Error> {
        let (mut rows, mut more, mut total, mut unknown) = (None, None, None, Undocumented::default());
        let (mut kept, mut passed_over) = (Kept::default(), 0);
        let collection = R::OPERATION.collection;
        let known = |name: &str| match name {
            _ if name == collection => Known::Rows,
            _ if R::MORE == Some(name) => Known::MoreRows,
            "totalCount" => Known::Total,
            _ => Known::Unknown(Undocumented::name(name)),
        };
        while let Some(name) = fields.next_key_seed(Key(known))? {
            let (reader, failure) = (&self.reader, &mut *self.failure);
            match name {
                Known::Rows => {
                    let elements = RowElements { reader, failure, kept: &mut kept, passed_over: None };
                    once(&mut fields, collection, &mut rows, Nullable(Array(elements)))?;
                }
                Known::MoreRows => {
                    let passed_over = Some(&mut passed_over);
                    let elements = RowElements { reader, failure, kept: &mut kept, passed_over };
                    once(&mut fields, R::MORE.unwrap_or_default(), &mut more, Nullable(Array(elements)))?;
                }
                Known::Total => once(&mut fields, "totalCount", &mut total, Nullable(WholeNumber))?,
                Known::Unknown(name) => unknown.skip(name, &mut fields)?,
            }
        }
        if more.iter().flatten().all(Vec::is_empty)
            && let Some(name) = unknown.in_place_of(&rows)
        {
            *self.failure =
                Some(envelope::undocumented("the result", collection, &name, self.reader.redactor));
            return Err(A::Error::missing_field(collection));
        }
        let total = total.flatten().map(u64::try_from).transpose();
        let total = total.map_err(|_| A::Error::custom("a negative totalCount"))?;
        let mut rows: Vec<R> = rows.flatten().unwrap_or_default();
        let listed: HashSet<Arc<str>> = rows.iter().map(|row| Arc::clone(row.id())).collect();
        let more: Vec<R> = more.flatten().unwrap_or_default();
        let received = rows.len() + more.len() + passed_over;
        rows.extend(more.into_iter().filter(|row| !listed.contains(row.id())));
        Ok(Page { rows, received, total })
    }
}

struct RowElements<'a, R> {
    reader: &'a Reader<'a, R>,
    failure: &'a mut Option<Failure>,
    kept: &'a mut Kept,
    /// Counts the rows of [`Row::MORE`] that were not asked for, since the parameters may not apply to these.
    passed_over: Option<&'a mut usize>,
}

impl<'de, R: Row> Elements<'de> for RowElements<'_, R> {
    type Value = Vec<R>;

    fn read<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<R>, A::Error> {
        let request = self.reader.request;
        let asked: Option<HashSet<&str>> =
            request.ids.as_ref().map(|ids| ids.iter().map(|id| &**id).collect());
        let (mut rows, mut number, mut passed_over) = (Vec::new(), 0, self.passed_over);
        loop {
            number += 1;
            let row =
                elements.next_element_seed(Object(RowFields::<R>::new(self.kept))).inspect_err(|_| {
                    let reason = UntrustedText::default();
                    *self.failure = Some(Failure::UnreadableRow { row: number, reason });
                })?;
            let Some(mut row) = row else { return Ok(rows) };
            let malformed = |id: Option<&str>, problem| Failure::MalformedRow {
                row: number,
                id: id.map(|id| self.reader.redactor.text(id)),
                problem,
            };
            let is_other = asked.as_ref().is_some_and(|asked| !asked.contains(&**row.id()));
            let failure = if row.id().is_empty() {
                Some(malformed(None, RowProblem::NoId { field: R::ID }))
            } else if let Err(problem) = row.normalize() {
                Some(malformed(Some(row.id()), problem))
            } else if is_other && let Some(passed_over) = &mut passed_over {
                **passed_over += 1;
                continue;
            } else if is_other || request.parameters.iter().any(|(name, value)| row.contradicts(name, value))
            {
                Some(self.reader.other_row(row.id()))
            } else if !self.kept.charge(size_of::<R>()) {
                Some(Failure::Unexpected { reason: "more rows than a region can have".into() })
            } else {
                None
            };
            if let Some(failure) = failure {
                *self.failure = Some(failure);
                return Err(A::Error::custom("a row that makes no sense"));
            }
            rows.push(row);
        }
    }
}

impl<R> Reader<'_, R> {
    /// The failure of a response with a row that was not asked for.
    fn other_row(&self, id: &str) -> Failure {
        let asked = match &self.request.ids {
            None => self.asked.clone(),
            Some(ids) => {
                // An id that differs only in its case tells most.
                let similar = ids.iter().position(|asked| asked.eq_ignore_ascii_case(id)).unwrap_or_default();
                let sample = RequestSummary::ids(ids.get(similar..).unwrap_or_default());
                RequestSummary { count: Some(ids.len()), ..sample }
            }
        };
        Failure::OtherRow { asked, got: self.redactor.text(id) }
    }
}

/// What a response keeps in memory: its texts, of which most stand in many rows, and what the rest costs.
#[derive(Default)]
struct Kept {
    texts: HashSet<Arc<str>>,
    cost: usize,
}

impl Kept {
    /// Whether so much more may be kept.
    fn charge(&mut self, cost: usize) -> bool {
        self.cost += cost;
        self.cost <= MAX_COST
    }

    fn text(&mut self, text: &str) -> Option<Arc<str>> {
        if let Some(kept) = self.texts.get(text) {
            return Some(Arc::clone(kept));
        }
        let kept: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&kept));
        self.charge(TEXT_COST + text.len()).then_some(kept)
    }
}

struct RowFields<'a, T> {
    kept: &'a mut Kept,
    object: PhantomData<T>,
}

impl<'a, T> RowFields<'a, T> {
    fn new(kept: &'a mut Kept) -> Self {
        Self { kept, object: PhantomData }
    }
}

impl<'de, T: FromFields> Fields<'de> for RowFields<'_, T> {
    type Value = T;

    fn read<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::from_fields(&mut FieldReader { fields, kept: self.kept, seen: 0 })
    }
}

struct ObjectElements<'a, T>(RowFields<'a, T>);

impl<'de, T: FromFields> Elements<'de> for ObjectElements<'_, T> {
    type Value = Vec<T>;

    fn read<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let kept = self.0.kept;
        let mut objects = Vec::new();
        while let Some(object) = elements.next_element_seed(Object(RowFields::new(kept)))? {
            if !kept.charge(size_of::<T>()) {
                return Err(A::Error::custom("more elements than a row can have"));
            }
            objects.push(object);
        }
        Ok(objects)
    }
}

struct TextElements<'a>(&'a mut Kept);

impl<'de> Elements<'de> for TextElements<'_> {
    type Value = Vec<Arc<str>>;

    fn read<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = elements.next_element_seed(Text { max: MAX_TEXT })? {
            let kept = self.0.text(&text).filter(|_| self.0.charge(size_of::<Arc<str>>()));
            texts.push(kept.ok_or_else(|| A::Error::custom("more texts than a row can have"))?);
        }
        Ok(texts)
    }
}

/// The fields of an object, one after the other: [`next`](Self::next) names one, and another method reads its value.
pub(crate) struct FieldReader<'a, A> {
    fields: A,
    kept: &'a mut Kept,
    /// A bit for each field that was read.
    seen: u64,
}

impl<'de, A: MapAccess<'de>> FieldReader<'_, A> {
    /// The next of the `known` fields, of which there are at most 64. A field that stands twice has two meanings.
    pub(crate) fn next(&mut self, known: &[&'static str]) -> Result<Option<&'static str>, A::Error> {
        loop {
            let position = |name: &str| known.iter().position(|known| *known == name);
            match self.fields.next_key_seed(Key(position))? {
                None => return Ok(None),
                Some(None) => drop(skip(&mut self.fields)?),
                Some(Some(at)) if self.seen & 1 << at != 0 => {
                    return Err(A::Error::duplicate_field(known[at]));
                }
                Some(Some(at)) => {
                    self.seen |= 1 << at;
                    return Ok(Some(known[at]));
                }
            }
        }
    }

    pub(crate) fn text(&mut self) -> Result<Option<Arc<str>>, A::Error> {
        let Some(text) = self.fields.next_value_seed(Nullable(Text { max: MAX_TEXT }))? else {
            return Ok(None);
        };
        self.kept.text(&text).map(Some).ok_or_else(|| A::Error::custom("more texts than a region can have"))
    }

    pub(crate) fn number(&mut self) -> Result<Option<i64>, A::Error> {
        self.fields.next_value_seed(Nullable(WholeNumber))
    }

    pub(crate) fn flag(&mut self) -> Result<Option<bool>, A::Error> {
        self.fields.next_value_seed(Nullable(Flag))
    }

    /// An array of strings; null is empty.
    pub(crate) fn texts(&mut self) -> Result<Vec<Arc<str>>, A::Error> {
        Ok(self.fields.next_value_seed(Nullable(Array(TextElements(self.kept))))?.unwrap_or_default())
    }

    pub(crate) fn object<T: FromFields>(&mut self) -> Result<Option<T>, A::Error> {
        self.fields.next_value_seed(Nullable(Object(RowFields::new(self.kept))))
    }

    /// An array of objects; null is empty.
    pub(crate) fn objects<T: FromFields>(&mut self) -> Result<Vec<T>, A::Error> {
        let elements = ObjectElements(RowFields::new(self.kept));
        Ok(self.fields.next_value_seed(Nullable(Array(elements)))?.unwrap_or_default())
    }
}
