//! Providers that fail, and configurations that are not known: each gets a diagnostic.

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
use crate::framework::{Attribute, Parameter, Signature, Type};

/// Fails in the way that its argument names.
struct FaultyProvider;

#[async_trait]
impl DataSource<String> for FaultyProvider {
    fn type_name(&self) -> &'static str {
        "faulty"
    }

    fn schema(&self) -> Schema {
        let attributes = vec![Attribute::optional("do", Type::String, "What to do.")];
        Schema { description: "Does it.", attributes }
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        match config.string("do").known() {
            Some("panic in validate") => panic!("as requested"),
            Some("reject") => diagnostics.argument_error("do", "Rejected", "No."),
            Some(text) if text.starts_with("quote ") => diagnostics.argument_error("do", "Quoted", text),
            _ => {}
        }
    }

    async fn read(
        &self,
        configured: &String,
        config: &Config,
        diagnostics: &mut Diagnostics,
    ) -> Result<Value, ReadError> {
        let state = |value| Ok(Value::members([("do", value)]));
        match config.string("do").known() {
            Some("panic") => panic!("as requested"),
            Some("wait") => std::future::pending().await,
            Some("wrong type") => state(1.into()),
            Some("too large") => state(Value::string("x".repeat(MAX_RESULT))),
            Some("unknown") => state(Value::Unknown),
            Some("error beside a value") => {
                diagnostics.error("Failed", "It did.");
                state(Value::Null)
            }
            Some("fail") => {
                diagnostics.error("Failed", "It did.");
                Err(ReadError::Failed)
            }
            Some("need the provider's configuration") => {
                diagnostics.warning(None, "Warned", "Of something else.");
                diagnostics.error("Provider configuration not known yet", "Apply first.");
                Err(ReadError::ProviderConfigUnknown)
            }
            _ => state(Value::string(configured.as_str())),
        }
    }
}

impl Function for FaultyProvider {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn signature(&self) -> Signature {
        let parameter = Parameter { name: "do", ty: Type::String, description: "What to do." };
        Signature { summary: "", description: "", parameters: vec![parameter], result: Type::String }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        match arguments[0].as_str() {
            Some("panic") => panic!("as requested"),
            Some("wrong") => Ok(1.into()),
            _ => Ok(arguments[0].clone()),
        }
    }
}

impl Provider for FaultyProvider {
    type Configured = String;

    fn schema(&self) -> Schema {
        DataSource::schema(self)
    }

    fn data_sources(&self) -> Vec<Box<dyn DataSource<String>>> {
        vec![Box::new(FaultyProvider)]
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        vec![Box::new(FaultyProvider)]
    }

    fn validate(&self, config: &Config, diagnostics: &mut Diagnostics) {
        DataSource::validate(self, config, diagnostics);
    }

    fn configure(&self, config: &Config, _: &Host, _: &mut Diagnostics) -> Option<String> {
        match config.string("do").known() {
            Some("panic") => panic!("as requested"),
            value => Some(value.unwrap_or_default().to_owned()),
        }
    }

    fn without_secrets(&self, configured: &String, text: &str) -> String {
        text.replace(configured, "***")
    }

    fn stop(&self, _: &String) {}
}

fn block_type() -> Type {
    DataSource::<String>::schema(&FaultyProvider).ty()
}

fn encoded(block: &Value) -> EncodedValue {
    let msgpack = msgpack::encode(&block_type(), block).unwrap();
    EncodedValue { msgpack: msgpack.into(), json: Bytes::new() }
}

fn block(what: &str) -> EncodedValue {
    encoded(&Value::members([("do", Value::string(what))]))
}

fn summaries(diagnostics: &Diagnostics) -> Vec<&str> {
    diagnostics.iter().map(|diagnostic| diagnostic.summary.as_str()).collect()
}

async fn read(server: &Server<FaultyProvider>, what: &str) -> Result<Value, String> {
    let capabilities = ClientCapabilities::default();
    let ReadResponse { state, deferred, diagnostics } =
        server.read_data_source("faulty", &block(what), capabilities).await;
    assert_eq!(deferred, None, "the host does not accept it");
    match state {
        Some(state) => Ok(msgpack::decode(&block_type(), &state).unwrap()),
        None => Err(summaries(&diagnostics).join(", ")),
    }
}

#[tokio::test]
async fn a_failing_call_gets_a_diagnostic_and_the_next_call_works() {
    let server = Server::new(Arc::new(FaultyProvider));
    assert_eq!(read(&server, "succeed").await, Err("Provider not configured".into()));
    assert_eq!(summaries(&server.configure(&block("reject"), &Host::default())), ["Rejected"]);
    assert_eq!(summaries(&server.configure(&block("panic"), &Host::default())), ["Provider crashed"]);
    assert_eq!(summaries(&server.configure(&block("configured"), &Host::default())), Vec::<&str>::new());
    for (what, message) in [
        ("panic", "Provider crashed"),
        ("panic in validate", "Provider crashed"),
        ("reject", "Rejected"),
        ("wrong type", "Invalid result"),
        ("unknown", "Invalid result"),
        ("too large", "Result too large"),
        ("error beside a value", "Failed"),
        ("fail", "Failed"),
    ] {
        assert_eq!(read(&server, what).await, Err(message.into()), "{what}");
        assert_eq!(read(&server, "succeed").await, Ok(Value::members([("do", Value::string("configured"))])));
    }
    assert_eq!(summaries(&server.validate_provider(&block("panic in validate"))), ["Provider crashed"]);
    assert_eq!(
        summaries(&server.validate_data_source("faulty", &block("panic in validate"))),
        ["Provider crashed"]
    );
}

/// Terraform shows the details of a provider's diagnostics as they are, sensitive or not.
#[tokio::test]
async fn a_secret_of_the_provider_block_is_hidden_where_another_argument_is_quoted() {
    let server = Server::new(Arc::new(FaultyProvider));
    server.configure(&block("hunter22"), &Host::default());
    let quoted = block("quote hunter22");
    let validated = server.validate_data_source("faulty", &quoted);
    let read = server.read_data_source("faulty", &quoted, ClientCapabilities::default()).await;
    for diagnostics in [validated, read.diagnostics] {
        assert_eq!(diagnostics.iter().next().unwrap().detail, "quote ***");
    }
}

/// It may be that of another account.
#[tokio::test]
async fn a_failed_configuration_leaves_no_earlier_one() {
    let server = Server::new(Arc::new(FaultyProvider));
    server.configure(&block("earlier"), &Host::default());
    assert!(read(&server, "succeed").await.is_ok());
    server.configure(&block("reject"), &Host::default());
    assert_eq!(read(&server, "succeed").await, Err("Provider not configured".into()));
}

#[tokio::test]
async fn what_is_not_known_yet_is_an_error_or_deferred_and_never_a_read() {
    let server = Server::new(Arc::new(FaultyProvider));
    server.configure(&block("configured"), &Host::default());
    let unknown = encoded(&Value::members([("do", Value::Unknown)]));
    let needs_provider = block("need the provider's configuration");
    for (config, summary, reason, warnings) in [
        (&unknown, "Argument not known yet", DeferredReason::ConfigUnknown, &[][..]),
        (&encoded(&Value::Unknown), "Argument not known yet", DeferredReason::ConfigUnknown, &[]),
        (
            &needs_provider,
            "Provider configuration not known yet",
            DeferredReason::ProviderConfigUnknown,
            &["Warned"],
        ),
    ] {
        let read = async |deferral_allowed| {
            server.read_data_source("faulty", config, ClientCapabilities { deferral_allowed }).await
        };
        let rejected = read(false).await;
        assert!(summaries(&rejected.diagnostics).contains(&summary), "{rejected:?}");
        assert_eq!((rejected.state, rejected.deferred), (None, None));
        let deferred = read(true).await;
        assert_eq!(summaries(&deferred.diagnostics), warnings, "only errors are dropped");
        assert_eq!(deferred.deferred, Some(reason));
        let state = msgpack::decode(&block_type(), &deferred.state.unwrap()).unwrap();
        let configured = if reason == DeferredReason::ConfigUnknown {
            Value::Unknown
        } else {
            Value::string("need the provider's configuration")
        };
        assert_eq!(state, Value::members([("do", configured)]));
    }
}

#[tokio::test]
async fn a_block_that_is_not_there_is_an_error_in_every_call() {
    let server = Server::new(Arc::new(FaultyProvider));
    server.configure(&block("configured"), &Host::default());
    for absent in [EncodedValue::default(), encoded(&Value::Null)] {
        for diagnostics in [
            server.validate_provider(&absent),
            server.configure(&absent, &Host::default()),
            server.validate_data_source("faulty", &absent),
            server
                .read_data_source("faulty", &absent, ClientCapabilities { deferral_allowed: true })
                .await
                .diagnostics,
        ] {
            assert_eq!(summaries(&diagnostics), ["Missing configuration"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stop_cancels_reads_in_progress_but_no_later_ones() {
    let server = Server::new(Arc::new(FaultyProvider));
    server.configure(&block("configured"), &Host::default());
    let (stopped, ()) = tokio::join!(read(&server, "wait"), async {
        tokio::task::yield_now().await;
        server.stop();
    });
    assert_eq!(stopped, Err("Read cancelled".into()));
    assert!(read(&server, "succeed").await.is_ok());
}

#[test]
fn a_function_that_fails_in_any_way_is_an_error() {
    let server = Server::new(Arc::new(FaultyProvider));
    let call = |what: &str| {
        let msgpack = msgpack::encode(&Type::String, &Value::string(what)).unwrap().into();
        server
            .call_function("faulty", &[EncodedValue { msgpack, json: Bytes::new() }])
            .map_err(|error| error.text)
    };
    assert!(call("panic").unwrap_err().starts_with("the provider crashed"));
    assert!(call("wrong").unwrap_err().starts_with("the result does not fit its type: string is required"));
    assert_eq!(call("x"), Ok(vec![0xa1, b'x']));
}
