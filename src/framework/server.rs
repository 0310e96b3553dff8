//! Serves a provider's calls independently of the protocol version: decodes, validates, calls the provider, encodes.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{
    ClientCapabilities, Config, DataSource, DeferredReason, Diagnostic, Diagnostics, EncodedValue, Function,
    FunctionError, Host, InvalidNumber, Problem, Provider, ReadError, ReadResponse, Schema, Severity, Value,
    msgpack,
};

/// A provider on one connection. Its configuration belongs to the connection, because with `-debug` one process serves
/// many hosts at once.
pub struct Server<P: Provider> {
    provider: Arc<P>,
    configured: Mutex<Option<Arc<P::Configured>>>,
    stop: Mutex<CancellationToken>,
}

impl<P: Provider> Server<P> {
    /// An unconfigured server.
    pub fn new(provider: Arc<P>) -> Self {
        Self { provider, configured: Mutex::default(), stop: Mutex::default() }
    }

    /// The provider block's schema.
    pub fn provider_schema(&self) -> Schema {
        self.provider.schema()
    }

    /// The provider's data sources.
    pub fn data_sources(&self) -> Vec<Box<dyn DataSource<P::Configured>>> {
        self.provider.data_sources()
    }

    /// The provider's functions.
    pub fn functions(&self) -> Vec<Box<dyn Function>> {
        self.provider.functions()
    }

    /// Validates a provider block.
    pub fn validate_provider(&self, config: &EncodedValue) -> Diagnostics {
        guard(|diagnostics| {
            if let Some(config) = decode_config(&self.provider.schema(), config, diagnostics) {
                self.provider.validate(&config, diagnostics);
            }
        })
    }

    /// Configures the provider.
    pub fn configure(&self, config: &EncodedValue, host: &Host) -> Diagnostics {
        // Reads must not go on with an earlier configuration, which may be that of another account.
        *lock(&self.configured) = None;
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

    /// Validates a data source's block.
    pub fn validate_data_source(&self, type_name: &str, config: &EncodedValue) -> Diagnostics {
        let mut diagnostics = guard(|diagnostics| {
            if let Some(source) = self.data_source(type_name, diagnostics) {
                validate(&*source, config, diagnostics);
            }
        });
        self.hide_secrets(&mut diagnostics);
        diagnostics
    }

    /// Reads a data source.
    pub async fn read_data_source(
        &self,
        type_name: &str,
        config: &EncodedValue,
        capabilities: ClientCapabilities,
    ) -> ReadResponse {
        let mut response = ReadResponse::default();
        let stop = lock(&self.stop).clone();
        let read = AssertUnwindSafe(self.read(type_name, config, capabilities, &mut response)).catch_unwind();
        let outcome = tokio::select! {
            outcome = read => outcome,
            () = stop.cancelled() => {
                response.diagnostics.error("Read cancelled", "Terraform asked the provider to stop before the response was complete.");
                return response;
            }
        };
        match outcome {
            Ok(state) => response.state = state,
            Err(_) => report_panic(&mut response.diagnostics),
        }
        self.hide_secrets(&mut response.diagnostics);
        response
    }

    /// Hides the secrets of the provider block in diagnostics that quote a data source's arguments.
    fn hide_secrets(&self, diagnostics: &mut Diagnostics) {
        let configured = lock(&self.configured).clone();
        if let Some(configured) = configured {
            diagnostics.rewrite_details(|text| self.provider.without_secrets(&configured, text));
        }
    }

    /// Returns the encoded state, and adds the rest to `response`.
    async fn read(
        &self,
        type_name: &str,
        config: &EncodedValue,
        capabilities: ClientCapabilities,
        response: &mut ReadResponse,
    ) -> Option<Vec<u8>> {
        let diagnostics = &mut response.diagnostics;
        let source = self.data_source(type_name, diagnostics)?;
        let schema = source.schema();
        let config = validate(&*source, config, diagnostics)?;
        let Some(configured) = lock(&self.configured).clone() else {
            diagnostics.error(
                "Provider not configured",
                format!("Terraform asked to read {type_name} before it configured the provider. This is a bug in Terraform."),
            );
            return None;
        };
        let unknown: Vec<&str> = config.unknown().collect();
        let reason = if unknown.is_empty() {
            match source.read(&configured, &config, diagnostics).await {
                Ok(state) => return encode_state(type_name, &schema, &state, diagnostics),
                Err(ReadError::Failed) => return None,
                Err(ReadError::ProviderConfigUnknown) => DeferredReason::ProviderConfigUnknown,
            }
        } else {
            // A read that leaves them out would not be the read that the user wrote.
            for name in unknown {
                report_unknown(type_name, name, diagnostics);
            }
            DeferredReason::ConfigUnknown
        };
        if !capabilities.deferral_allowed {
            return None;
        }
        diagnostics.drop_errors();
        response.deferred = Some(reason);
        msgpack::encode(&schema.ty(), &schema.unread(&config)).ok()
    }

    /// Calls a function with encoded arguments.
    ///
    /// # Errors
    /// When there is no such function, an argument is invalid, or the function fails.
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
        // Terraform does not call a function with unknown values, but OpenTofu passes values with unknown parts.
        let result =
            if values.iter().all(Value::is_wholly_known) { function.call(&values)? } else { Value::Unknown };
        msgpack::encode(&signature.result, &result).map_err(|error| {
            FunctionError::general(format!("the result does not fit its type: {error}. {REPORT}"))
        })
    }

    /// Cancels reads in progress. Later calls work.
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
                format!("The provider has no data source \"{type_name}\". Terraform requests only data sources of the schema, so this is a bug in Terraform."),
            );
        }
        found
    }
}

/// Encodes the state of a data source; adds an error where it cannot be sent.
fn encode_state(
    type_name: &str,
    schema: &Schema,
    state: &Value,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<u8>> {
    if diagnostics.has_error() {
        return None;
    }
    let encoded = match msgpack::encode_known(&schema.ty(), state) {
        Ok(encoded) => encoded,
        Err(problem) => {
            diagnostics.error(
                "Invalid result",
                format!("The provider made a value of {type_name} that does not fit its schema: {problem}. {REPORT}"),
            );
            return None;
        }
    };
    if encoded.len() > MAX_RESULT {
        diagnostics.error(
            "Result too large",
            format!(
                "The result of {type_name} is {} MB long, and Terraform accepts at most {} MB from a provider. Split \
                 the data block into several, each for a part of it.",
                encoded.len().div_ceil(MEGABYTE),
                MAX_RESULT / MEGABYTE
            ),
        );
        return None;
    }
    Some(encoded)
}

fn report_unknown(type_name: &str, argument: &str, diagnostics: &mut Diagnostics) {
    diagnostics.argument_error(
        argument,
        "Argument not known yet",
        format!(
            "{argument} depends on something that is not applied yet, and {type_name} can be read only when all of its \
             arguments are known. Apply what it depends on first (terraform apply -target=...), or give {argument} a value \
             that is known during plan."
        ),
    );
}

/// The largest encoded state, in bytes: what a message can hold (`MAX_MESSAGE` in `tfplugin`), with room for diagnostics.
pub const MAX_RESULT: usize = 250 * MEGABYTE;

const MEGABYTE: usize = 1_000_000;

const REPORT: &str = "This is a bug in the provider; please report it.";

/// The arguments of a data source's block; `None` if they are invalid.
fn validate<C>(
    source: &dyn DataSource<C>,
    config: &EncodedValue,
    diagnostics: &mut Diagnostics,
) -> Option<Config> {
    let schema = source.schema();
    let config = decode_config(&schema, config, diagnostics)?;
    schema.reject_read_only(&config, diagnostics);
    source.validate(&config, diagnostics);
    (!diagnostics.has_error()).then_some(config)
}

fn decode_config(schema: &Schema, config: &EncodedValue, diagnostics: &mut Diagnostics) -> Option<Config> {
    match config.decode(&schema.ty()) {
        Ok(block) => {
            let config = Config::new(schema, block);
            if config.is_none() {
                diagnostics.error(
                    "Missing configuration",
                    "Terraform sent no value for this block, not even an empty one. This is a bug in Terraform.",
                );
            }
            config
        }
        Err(error) => {
            let (summary, detail) = match &error.problem {
                // The user's mistake: Terraform itself computes with longer numbers.
                Problem::Number(problem @ InvalidNumber::TooLong) => {
                    ("Invalid number", format!("{} can't be used: {problem}.", error.path))
                }
                _ => (
                    "Malformed configuration",
                    format!(
                        "The value that Terraform sent does not fit the provider's schema: {error}. Run \"terraform init -upgrade\" in case the provider was replaced by another version; if the error stays, it is a bug in Terraform or in the provider."
                    ),
                ),
            };
            diagnostics.push(Diagnostic {
                severity: Severity::Error,
                summary: summary.to_owned(),
                detail,
                attribute: (!error.path.0.is_empty()).then_some(error.path),
            });
            None
        }
    }
}

/// Runs the work of one call. A panic becomes a diagnostic; otherwise the host would only report that the plugin did not
/// respond.
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
        format!("The provider panicked during this call. {REPORT} Set TF_LOG_PROVIDER=ERROR to see the source location in the log."),
    );
}

/// Ignores poisoning: each value is replaced in one step, so a panic cannot leave it half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
