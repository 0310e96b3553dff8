//! The command line: from arguments to [`Options`] and what the program does around them.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jdcloud_emulator::{
    ACCESS_KEY, Catalogue, Credentials, FIELDS, Options, SECRET_KEY, Scenario, Signature, TokenEncoding,
};
use lexopt::prelude::*;

/// What the arguments ask for.
pub(crate) enum Command {
    Help,
    Version,
    Run(Box<Run>),
}

/// A run of the emulator.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) address_file: Option<PathBuf>,
    pub(crate) tls_ca_out: Option<PathBuf>,
    pub(crate) exit_with_stdin: bool,
}

/// Reads the arguments. Files named in them are read as well.
///
/// # Errors
///
/// A sentence that names the flag and what it takes.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, String> {
    let mut run = Run::default();
    let mut pair = Credentials::new(ACCESS_KEY, SECRET_KEY);
    let (mut generate, mut types) = (None, 10);
    let parser = &mut parser;
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        let Long(flag) = argument else {
            return match argument {
                Short('h') => Ok(Command::Help),
                Short('V') => Ok(Command::Version),
                other => Err(format!("{}; see --help", other.unexpected())),
            };
        };
        let flag = flag.to_owned();
        let options = &mut run.options;
        match flag.as_str() {
            "help" => return Ok(Command::Help),
            "version" => return Ok(Command::Version),
            "port" => options.port = number(parser, &flag)?,
            "address" => options.address = number(parser, &flag)?,
            "tls" => options.tls = true,
            "tls-ca-out" => run.tls_ca_out = Some(value(parser, &flag)?.into()),
            "address-file" => run.address_file = Some(value(parser, &flag)?.into()),
            "exit-with-stdin" => run.exit_with_stdin = true,
            "verbose" => options.verbose = true,
            "access-key" => pair.access_key = value(parser, &flag)?,
            "secret-key" => pair.secret_key = value(parser, &flag)?,
            "security-token" => pair.security_token = Some(value(parser, &flag)?),
            "token-encoding" => {
                options.token_encoding = match value(parser, &flag)?.as_str() {
                    "base64" => TokenEncoding::Base64,
                    "raw" => TokenEncoding::Raw,
                    other => return Err(format!("--token-encoding: '{other}' is neither base64 nor raw")),
                }
            }
            "signature" => {
                options.signature = match value(parser, &flag)?.as_str() {
                    "2" => Signature::V2,
                    "3" => Signature::V3,
                    "any" => Signature::Any,
                    other => return Err(format!("--signature: '{other}' is neither 2, 3 nor any")),
                }
            }
            "date-window" => options.date_window = Duration::from_secs(number(parser, &flag)?),
            "catalogue" => {
                options.catalogue = from_file(&flag, &value(parser, &flag)?, Catalogue::from_json)?;
            }
            "documented" => options.catalogue = Catalogue::documented(),
            "generate" => generate = Some(number(parser, &flag)?),
            "types" => types = number(parser, &flag)?,
            "scenario" => options.scenario = scenario(&value(parser, &flag)?)?,
            _ => set_field(parser, &flag, &mut options.scenario)?,
        }
    }
    run.options.credentials = vec![pair];
    if !run.options.address.is_loopback() {
        return Err("--address: the emulator serves loopback only; use 127.0.0.1 or ::1".to_owned());
    }
    if let Some(images) = generate {
        run.options.catalogue = Catalogue::generated(images, types);
    }
    if run.tls_ca_out.is_some() && !run.options.tls {
        return Err("--tls-ca-out: there is no authority without --tls; add it".to_owned());
    }
    Ok(Command::Run(Box::new(run)))
}

fn value(parser: &mut lexopt::Parser, flag: &str) -> Result<String, String> {
    let value = parser.value().map_err(|_| format!("--{flag} needs a value; see --help"))?;
    value.string().map_err(|_| format!("--{flag}: the value is not UTF-8"))
}

fn number<T: FromStr>(parser: &mut lexopt::Parser, flag: &str) -> Result<T, String> {
    let text = value(parser, flag)?;
    let takes = match flag {
        "address" => "a loopback address, 127.0.0.1 or ::1",
        "port" => "a port, 0 (any) to 65535",
        _ => "a whole number",
    };
    text.parse().map_err(|_| format!("--{flag}: '{text}' is not {takes}"))
}

fn from_file<T>(
    flag: &str,
    path: &str,
    read: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("--{flag}: cannot read {path}: {error}"))?;
    read(&text).map_err(|error| format!("--{flag}: {path}: {error}"))
}

fn scenario(text: &str) -> Result<Scenario, String> {
    match text.strip_prefix('@') {
        Some(path) => from_file("scenario", path, |text| serde_json::from_str(text)),
        None => {
            serde_json::from_str(text).map_err(|error| format!("--scenario: {error}; it takes JSON or @FILE"))
        }
    }
}

fn set_field(parser: &mut lexopt::Parser, flag: &str, scenario: &mut Scenario) -> Result<(), String> {
    let field = FIELDS.iter().find(|field| field.name.replace('_', "-") == flag);
    let field = field.ok_or_else(|| format!("unknown flag --{flag}; see --help"))?;
    let text = if field.takes.is_empty() { String::new() } else { value(parser, flag)? };
    scenario.set(field.name, &text).map_err(|error| format!("--{flag}: {error}"))
}
