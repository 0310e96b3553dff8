//! The trait of a provider function: pure, offline, and callable before the provider is configured.

use super::{Type, Value};

/// A function that HCL calls as `provider::<name>::<function>(...)`.
pub trait Function: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What it takes and returns.
    fn signature(&self) -> Signature;

    /// Its result for these arguments, one for each parameter, each wholly known and not null.
    ///
    /// # Errors
    /// When the arguments have no result.
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}

/// What a function takes and returns.
#[derive(Clone, Debug)]
pub struct Signature {
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it does, in Markdown.
    pub description: &'static str,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// The type of its result.
    pub result: Type,
}

/// A parameter of a function. Terraform passes neither null nor unknown values for it.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name, for messages and documentation.
    pub name: &'static str,
    /// Its type; Terraform converts arguments to it.
    pub ty: Type,
    /// What it means, in Markdown.
    pub description: &'static str,
}

/// The error of a function call. Terraform puts the text into a sentence and adds the full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// What is wrong, without a full stop.
    pub text: String,
    /// The position of the argument that is wrong.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// An error of the argument at `position`.
    pub fn argument(position: usize, text: impl Into<String>) -> Self {
        Self { argument: Some(position), ..Self::general(text) }
    }

    /// An error of the call as a whole. A full stop at its end is removed.
    pub fn general(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.ends_with('.') {
            text.pop();
        }
        Self { text, argument: None }
    }
}
