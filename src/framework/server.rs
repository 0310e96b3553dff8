//! A provider as its host sees it, whatever the protocol: encoded values in, encoded values and diagnostics out.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{
    Config, DataSource, Diagnostic, Diagnostics, Function, FunctionError, Host, Provider, Schema, Severity,
    Type, Value, ValueError, json, msgpack,
};

/// A value as the wire carries it: msgpack, or JSON where that is absent. Neither is null.
#[derive(Clone, Debug, Default)]
pub struct EncodedValue {
    /// The msgpack form.
    pub msgpack: Bytes,
    /// The JSON form.
    pub json: Bytes,
}

impl EncodedValue {
    fn decode(&self, ty: &Type) -> Result<Value, ValueError> {
        match (self.msgpack.is_empty(), self.json.is_empty()) {
            (false, _) => msgpack::decode(ty, &self.msgpack),
            (true, false) => json::decode(ty, &self.json),
            (true, true) => Ok(Value::Null),
        }
    }
}

/// A provider on one connection. Its configuration belongs to that connection and ends with it, since one process may
/// serve many hosts at once.
pub struct Server<P: Provider> {
    provider: Arc<P>,
    configured: Mutex<Option<Arc<P::Configured>>>,
    stop: Mutex<CancellationToken>,
}

impl<P: Provider> Server<P> {
    /// A server that has not been configured.
    pub fn new(provider: Arc<P>) -> Self {
        Self { provider, configured: Mutex::default(), stop: Mutex::default() }
    }

    /// The provider block's schema.
    pub fn provider_schema(&self) -> Schema {
        self.provider.schema()
    }

    /// What can be read.
    pub fn data_sources(&self) -> Vec<Box<dyn DataSource<P::Configured>>> {
        self.provider.data_sources()
    }

    /// What can be called.
    pub fn functions(&self) -> Vec<Box<dyn Function>> {
        self.provider.functions()
    }

    /// Checks a provider block.
    pub fn validate_provider(&self, config: &EncodedValue) -> Diagnostics {
        guard(|diagnostics| {
            if let Some(config) = decode_config(&self.provider.schema(), config, diagnostics) {
                self.provider.validate(&config, diagnostics);
            }
        })
    }

    /// Takes a provider block in.
    pub fn configure(&self, config: &EncodedValue, host: &Host) -> Diagnostics {
        guard(|diagnostics| {
            let Some(config) = decode_config(&self.provider.schema(), config, diagnostics) else { return };
            // Terraform 0.12 to 0.14 configure without validating first.
            self.provider.validate(&config, diagnostics);
            if diagnostics.has_error() {
                return;
            }
            *lock(&self.configured) = self.provider.configure(&config, host, diagnostics).map(Arc::new);
        })
    }

    /// Checks a data source's block.
    pub fn validate_data_source(&self, type_name: &str, config: &EncodedValue) -> Diagnostics {
        guard(|diagnostics| {
            if let Some(source) = self.data_source(type_name, diagnostics) {
                validate(&*source, config, diagnostics);
            }
        })
    }

    /// Reads a data source. The encoded value is there unless the diagnostics hold an error.
    pub async fn read_data_source(
        &self,
        type_name: &str,
        config: &EncodedValue,
    ) -> (Option<Vec<u8>>, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let stop = lock(&self.stop).clone();
        let read = AssertUnwindSafe(self.read(type_name, config, &mut diagnostics)).catch_unwind();
        let outcome = tokio::select! {
            outcome = read => outcome,
            () = stop.cancelled() => {
                diagnostics.error("Read cancelled", "Terraform asked the provider to stop before the answer was there.");
                return (None, diagnostics);
            }
        };
        match outcome {
            Ok(state) => (state, diagnostics),
            Err(_) => {
                report_panic(&mut diagnostics);
                (None, diagnostics)
            }
        }
    }

    async fn read(
        &self,
        type_name: &str,
        config: &EncodedValue,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<u8>> {
        let source = self.data_source(type_name, diagnostics)?;
        let config = validate(&*source, config, diagnostics)?;
        let Some(configured) = lock(&self.configured).clone() else {
            diagnostics.error(
                "Provider not configured",
                format!("Terraform asked to read {type_name} before it configured the provider. This is a bug in Terraform."),
            );
            return None;
        };
        let state = source.read(&configured, &config, diagnostics).await?;
        if diagnostics.has_error() {
            return None;
        }
        let encoded = msgpack::encode_known(&source.schema().ty(), &state).map_err(|problem| {
            diagnostics.error(
                "Invalid result",
                format!("The provider made a value of {type_name} that does not fit its schema: {problem}. {REPORT}"),
            );
        });
        let encoded = encoded.ok()?;
        if encoded.len() > MAX_RESULT {
            diagnostics.error(
                "Result too large",
                format!(
                    "The result of {type_name} is {} MB long, and a provider can hand at most {} MB to Terraform at once. Ask for \
                     a part of it in this data block, and for the rest in others.",
                    encoded.len().div_ceil(MEGABYTE),
                    MAX_RESULT / MEGABYTE
                ),
            );
            return None;
        }
        Some(encoded)
    }

    /// Calls a function with encoded arguments.
    ///
    /// # Errors
    /// When there is no such function, the arguments don't fit, or they have no result.
    pub fn call_function(&self, name: &str, arguments: &[EncodedValue]) -> Result<Vec<u8>, FunctionError> {
        std::panic::catch_unwind(AssertUnwindSafe(|| self.call(name, arguments)))
            .unwrap_or_else(|_| Err(FunctionError::general(format!("the provider crashed. {REPORT}"))))
    }

    fn call(&self, name: &str, arguments: &[EncodedValue]) -> Result<Vec<u8>, FunctionError> {
        let Some(function) = self.provider.functions().into_iter().find(|function| function.name() == name)
        else {
            return Err(FunctionError::general(format!("the provider has no function {name:?}")));
        };
        let signature = function.signature();
        if arguments.len() != signature.parameters.len() {
            let expected = signature.parameters.len();
            return Err(FunctionError::general(format!(
                "{expected} arguments are required, not {}",
                arguments.len()
            )));
        }
        let mut values = Vec::with_capacity(arguments.len());
        for (position, (argument, parameter)) in arguments.iter().zip(&signature.parameters).enumerate() {
            let value = argument
                .decode(&parameter.ty)
                .map_err(|error| FunctionError::argument(position, error.to_string()))?;
            if value.is_null() {
                return Err(FunctionError::argument(position, "argument must not be null"));
            }
            values.push(value);
        }
        // OpenTofu passes values with unknown parts.
        let result =
            if values.iter().all(Value::is_wholly_known) { function.call(&values)? } else { Value::Unknown };
        msgpack::encode(&signature.result, &result).map_err(|error| {
            FunctionError::general(format!("the result does not fit its type: {error}. {REPORT}"))
        })
    }

    /// Cancels what is in flight. Calls that come later work.
    pub fn stop(&self) {
        std::mem::take(&mut *lock(&self.stop)).cancel();
        if let Some(configured) = lock(&self.configured).clone() {
            self.provider.stop(&configured);
        }
    }

    fn data_source(
        &self,
        type_name: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<Box<dyn DataSource<P::Configured>>> {
        let found = self.provider.data_sources().into_iter().find(|source| source.type_name() == type_name);
        if found.is_none() {
            diagnostics.error(
                "Unknown data source",
                format!("The provider has no data source \"{type_name}\". Terraform asks for one only if the schema lists it, so this is a bug in Terraform."),
            );
        }
        found
    }
}

/// The longest result of a read: a message has a limit (`MAX_MESSAGE` in `tfplugin`) and the diagnostics beside it.
pub const MAX_RESULT: usize = 250 * MEGABYTE;

const MEGABYTE: usize = 1_000_000;

const REPORT: &str = "This is a bug in the provider; please report it.";

/// The arguments of a data source's block, unless they don't pass.
fn validate<C>(
    source: &dyn DataSource<C>,
    config: &EncodedValue,
    diagnostics: &mut Diagnostics,
) -> Option<Config> {
    let schema = source.schema();
    let config = decode_config(&schema, config, diagnostics)?;
    schema.refuse_read_only(&config, diagnostics);
    source.validate(&config, diagnostics);
    (!diagnostics.has_error()).then_some(config)
}

fn decode_config(schema: &Schema, config: &EncodedValue, diagnostics: &mut Diagnostics) -> Option<Config> {
    match config.decode(&schema.ty()) {
        Ok(block) => Some(Config::new(block)),
        Err(ValueError { path, problem }) => {
            diagnostics.push(Diagnostic {
                severity: Severity::Error,
                summary: "Malformed configuration".to_owned(),
                detail: format!(
                    "What Terraform sent does not fit the provider's schema: {}. Run \"terraform init -upgrade\" in case an older version of the provider was replaced; if it stays, this is a bug in Terraform or in the provider.",
                    ValueError { path: path.clone(), problem }
                ),
                attribute: (!path.0.is_empty()).then_some(path),
            });
            None
        }
    }
}

/// Runs one call's work; a panic in it becomes a diagnostic, because all that a host says of a dead provider is that it
/// did not respond.
fn guard(work: impl FnOnce(&mut Diagnostics)) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    if std::panic::catch_unwind(AssertUnwindSafe(|| work(&mut diagnostics))).is_err() {
        report_panic(&mut diagnostics);
    }
    diagnostics
}

fn report_panic(diagnostics: &mut Diagnostics) {
    diagnostics.error(
        "Provider crashed",
        format!("Something that must not happen happened while the provider worked on this. {REPORT} TF_LOG_PROVIDER=DEBUG shows where."),
    );
}

/// A lock whose holder panicked holds a value that is still whole: each is replaced in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::framework::{Attribute, Parameter, Signature};

    /// A provider that does what its arguments say, wrong things above all.
    struct Naughty;

    #[async_trait]
    impl DataSource<String> for Naughty {
        fn type_name(&self) -> &'static str {
            "naughty"
        }

        fn schema(&self) -> Schema {
            let attributes = vec![Attribute::optional("do", Type::String, "What to do.")];
            Schema { description: "Does it.", attributes }
        }

        fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
            match config.string("do").known() {
                Some("panic in validate") => panic!("told to"),
                Some("refuse") => diagnostics.argument_error("do", "Refused", "No."),
                _ => {}
            }
        }

        async fn read(
            &self,
            configured: &String,
            config: &Config,
            diagnostics: &mut Diagnostics,
        ) -> Option<Value> {
            match config.string("do").known() {
                Some("panic") => panic!("told to"),
                Some("wait") => std::future::pending().await,
                Some("wrong") => Some(Value::members([("do", 1.into())])),
                Some("say too much") => Some(Value::members([("do", Value::string("x".repeat(MAX_RESULT)))])),
                Some("unknown") => Some(Value::members([("do", Value::Unknown)])),
                Some("error beside a value") => {
                    diagnostics.error("Failed", "It did.");
                    Some(Value::members([("do", Value::Null)]))
                }
                _ => Some(Value::members([("do", Value::string(configured.as_str()))])),
            }
        }
    }

    impl Function for Naughty {
        fn name(&self) -> &'static str {
            "naughty"
        }

        fn signature(&self) -> Signature {
            let parameter = Parameter { name: "do", ty: Type::String, description: "What to do." };
            Signature { summary: "", description: "", parameters: vec![parameter], result: Type::String }
        }

        fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
            match arguments[0].as_str() {
                Some("panic") => panic!("told to"),
                Some("wrong") => Ok(1.into()),
                _ => Ok(arguments[0].clone()),
            }
        }
    }

    impl Provider for Naughty {
        type Configured = String;

        fn schema(&self) -> Schema {
            DataSource::schema(self)
        }

        fn data_sources(&self) -> Vec<Box<dyn DataSource<String>>> {
            vec![Box::new(Naughty)]
        }

        fn functions(&self) -> Vec<Box<dyn Function>> {
            vec![Box::new(Naughty)]
        }

        fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
            DataSource::validate(self, config, diagnostics);
        }

        fn configure(&self, config: &Config, _: &Host, _: &mut Diagnostics) -> Option<String> {
            match config.string("do").known() {
                Some("panic") => panic!("told to"),
                told => Some(told.unwrap_or_default().to_owned()),
            }
        }

        fn stop(&self, _: &String) {}
    }

    fn block(what: &str) -> EncodedValue {
        let ty = DataSource::<String>::schema(&Naughty).ty();
        let msgpack = msgpack::encode(&ty, &Value::members([("do", Value::string(what))])).unwrap();
        EncodedValue { msgpack: msgpack.into(), json: Bytes::new() }
    }

    fn summaries(diagnostics: &Diagnostics) -> Vec<&str> {
        diagnostics.iter().map(|diagnostic| diagnostic.summary.as_str()).collect()
    }

    async fn read(server: &Server<Naughty>, what: &str) -> Result<Value, String> {
        let (state, diagnostics) = server.read_data_source("naughty", &block(what)).await;
        match state {
            Some(state) => Ok(msgpack::decode(&DataSource::<String>::schema(&Naughty).ty(), &state).unwrap()),
            None => Err(summaries(&diagnostics).join(", ")),
        }
    }

    #[tokio::test]
    async fn whatever_a_provider_does_the_host_gets_a_message_and_the_next_call_an_answer() {
        let server = Server::new(Arc::new(Naughty));
        assert_eq!(read(&server, "well").await, Err("Provider not configured".into()));
        assert_eq!(summaries(&server.configure(&block("refuse"), &Host::default())), ["Refused"]);
        assert_eq!(summaries(&server.configure(&block("panic"), &Host::default())), ["Provider crashed"]);
        assert_eq!(summaries(&server.configure(&block("told"), &Host::default())), Vec::<&str>::new());
        for (what, message) in [
            ("panic", "Provider crashed"),
            ("panic in validate", "Provider crashed"),
            ("refuse", "Refused"),
            ("wrong", "Invalid result"),
            ("unknown", "Invalid result"),
            ("say too much", "Result too large"),
            ("error beside a value", "Failed"),
        ] {
            assert_eq!(read(&server, what).await, Err(message.into()), "{what}");
            assert_eq!(read(&server, "well").await, Ok(Value::members([("do", Value::string("told"))])));
        }
        assert_eq!(summaries(&server.validate_provider(&block("panic in validate"))), ["Provider crashed"]);
        assert_eq!(
            summaries(&server.validate_data_source("naughty", &block("panic in validate"))),
            ["Provider crashed"]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn stop_ends_the_reads_under_way_and_no_later_one() {
        let server = Server::new(Arc::new(Naughty));
        server.configure(&block("told"), &Host::default());
        let (stopped, ()) = tokio::join!(read(&server, "wait"), async {
            tokio::task::yield_now().await;
            server.stop();
        });
        assert_eq!(stopped, Err("Read cancelled".into()));
        assert!(read(&server, "well").await.is_ok());
    }

    #[test]
    fn a_function_that_fails_in_any_way_is_an_error() {
        let server = Server::new(Arc::new(Naughty));
        let call = |what: &str| {
            let msgpack = msgpack::encode(&Type::String, &Value::string(what)).unwrap().into();
            server
                .call_function("naughty", &[EncodedValue { msgpack, json: Bytes::new() }])
                .map_err(|error| error.text)
        };
        assert!(call("panic").unwrap_err().starts_with("the provider crashed"));
        assert!(
            call("wrong").unwrap_err().starts_with("the result does not fit its type: string is required")
        );
        assert_eq!(call("x"), Ok(vec![0xa1, b'x']));
    }
}
