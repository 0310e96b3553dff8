//! Diagnostics for invalid settings: which one, its source, and how to correct it.

use crate::jdcloud::{Missing, SettingsError, Source, SourceTried};
use crate::provider::sentence::{are, joined, span};

/// The argument that a problem is about, if any. Not one that may hold a secret, since Terraform would print its line.
pub(super) fn argument(problem: &SettingsError) -> Option<&'static str> {
    match problem {
        SettingsError::OutOfRange { argument, .. } | SettingsError::EmptyArgument { argument } => {
            Some(argument)
        }
        SettingsError::UnreadableFile { argument, .. } => *argument,
        SettingsError::HalfKeyPair { origin: Source::Arguments(_), present, .. } => {
            present.first().copied().filter(|argument| *argument == "access_key")
        }
        SettingsError::UnusableKey { origin: Source::Arguments(_), name } if *name == "access_key" => {
            Some(name)
        }
        SettingsError::InvalidRegion { origin: Source::Arguments(_) | Source::Read, .. } => Some("region"),
        // `@` ends a user name and a password.
        SettingsError::InvalidEndpoint { endpoint, origin: Source::Arguments(_), .. } => {
            (!endpoint.to_string().contains('@')).then_some("vm_endpoint")
        }
        SettingsError::CaBundle { .. } => Some("ca_bundle"),
        _ => None,
    }
}

/// Summary and detail.
pub(super) fn message(problem: &SettingsError) -> (String, String) {
    let (summary, detail) = match problem {
        SettingsError::UnknownArguments { arguments } => (
            "Provider configuration not known yet",
            format!(
                "This data source needs {} of the provider \"jdcloud\", which depends on something that is not applied yet. \
                 The provider did not use another source instead, because that could be another account or region. Apply what \
                 it depends on first (terraform apply -target=...), or set depends_on = [that resource] in the data block, so \
                 that it is read during apply.",
                joined(arguments)
            ),
        ),
        SettingsError::OutOfRange { argument, expected, given } => {
            ("Argument out of range", format!("{argument} must be {expected}, not {given}."))
        }
        SettingsError::EmptyArgument { argument } => (
            "Empty argument",
            format!(
                "{argument} is an empty string. Set a value, or omit the argument (or set it to null). An empty string does \
                 not count as omitted, because it usually comes from a variable that was not set."
            ),
        ),
        SettingsError::HalfKeyPair { origin, present, missing } => {
            ("Incomplete credentials", half_key_pair(origin, present, missing))
        }
        SettingsError::UnusableKey { origin, name } => (
            "Unusable credentials",
            format!(
                "{name}, which is set {}, contains characters that are not valid in a key, such as a line break at its end. \
                 Copy the key again from JD Cloud's console; for a key in a file, use trimspace(file(...)).",
                within(origin)
            ),
        ),
        SettingsError::TokenEncoding { given } => (
            "Invalid token encoding",
            format!(
                "JDCLOUD_SECURITY_TOKEN_ENCODING must be \"base64\" (the default) or \"raw\", not \"{given}\"."
            ),
        ),
        SettingsError::NoCredentials { tried } => (
            "No JD Cloud credentials",
            format!(
                "Requests to JD Cloud need an API key pair, and none was found. Sources tried, in this order:\n{}\n\nSet \
                 JDCLOUD_ACCESS_KEY and JDCLOUD_SECRET_KEY, or access_key and secret_key in the provider block, or create a \
                 profile with \"jdc configure add\". Create a key pair in JD Cloud's console under Access Key Management.",
                sources(tried)
            ),
        ),
        SettingsError::NoRegion { tried } => (
            "No region",
            format!(
                "No region is set. Sources tried, in this order:\n{}\n\nSet region in the data block or in the provider \
                 block, or JDCLOUD_REGION, for example to \"cn-north-1\".",
                sources(tried)
            ),
        ),
        SettingsError::InvalidRegion { region, origin } => (
            "Invalid region",
            format!(
                "\"{region}\", which is set {}, is not a valid region name. A region is written in lower-case letters, \
                 digits and hyphens, such as \"cn-north-1\".",
                within(origin)
            ),
        ),
        SettingsError::InvalidEndpoint { endpoint, origin, problem } => {
            ("Invalid endpoint", format!("\"{endpoint}\", which is set {}, {problem}.", within(origin)))
        }
        SettingsError::NoProfile(SourceTried { origin, missing }) => (
            if matches!(missing, Missing::Keys(_)) { "Profile without keys" } else { "Profile not found" },
            no_profile(origin, missing),
        ),
        SettingsError::UnreadableFile { argument: Some(argument), file, reason } => (
            "Configuration file can't be read",
            format!(
                "{argument} is \"{file}\": {reason}. Correct it, or omit {argument} to use the default file."
            ),
        ),
        SettingsError::UnreadableFile { argument: None, file, reason } => (
            "Configuration file can't be read",
            format!("{file}: {reason}. Make the file readable, or set config_file to another file."),
        ),
        SettingsError::MalformedFile { file, line, reason } => (
            "Configuration file is malformed",
            format!(
                "{file}, line {line}: {reason}. The file has a [profile] line for each profile, followed by lines such as \
                 access_key = ...."
            ),
        ),
        SettingsError::CaBundle { bundle, reason } => (
            "Certificates can't be used",
            format!(
                "ca_bundle {bundle}: {reason}. It must be the path of a PEM file, or PEM text, with at least one certificate."
            ),
        ),
        SettingsError::FilesTooSlow { limit } => (
            "Configuration files can't be read in time",
            format!(
                "The files with credentials, profiles and certificates were not read within {} (read_timeout). Check their \
                 file system.",
                span(*limit)
            ),
        ),
        SettingsError::NotUtf8 { variable } => (
            "Invalid environment variable",
            format!(
                "The value of {variable} is not UTF-8, so the provider can't use it, and does not use another source instead. Set \
                 it again in UTF-8, or unset it."
            ),
        ),
        SettingsError::Proxy { variable, reason } => (
            "Invalid proxy",
            format!(
                "{variable}: {reason}. It must be unset, or a URL such as http://user:password@proxy.example.com:3128, with \
                 special characters of the user name and the password percent-encoded (\"/\" as %2F)."
            ),
        ),
        SettingsError::Setup { reason } => {
            ("HTTPS can't be set up", format!("{reason}. No request was sent."))
        }
    };
    (summary.to_owned(), detail)
}

fn half_key_pair(origin: &Source, present: &[&'static str], missing: &[&'static str]) -> String {
    let why = if missing.len() == 2 {
        "A security token works only with the key pair it was issued with."
    } else {
        "A key pair and its token must come from the same source, because the access key of one account does not work with \
         the secret key of another."
    };
    format!(
        "{} {} set {}, but {} {} not. {why} Set {} there too, or remove {}.",
        joined(present),
        are(present),
        within(origin),
        joined(missing),
        are(missing),
        joined(missing),
        joined(present)
    )
}

/// The sources that were tried, as a list that Terraform does not wrap.
fn sources(tried: &[SourceTried]) -> String {
    tried.iter().map(|tried| format!("  - {tried}")).collect::<Vec<_>>().join("\n")
}

/// The source of a setting, as the end of a clause.
fn within(origin: &Source) -> String {
    match origin {
        Source::Read => "in the data block".to_owned(),
        Source::Arguments(_) => "in the provider block".to_owned(),
        Source::Environment(names) => match &names[..] {
            [name] => format!("by {name}"),
            _ => "in the environment".to_owned(),
        },
        Source::Profile { name, file: Some(file) } => format!("by profile \"{name}\" of {file}"),
        Source::Profile { name, file: None } => format!("by profile \"{name}\" of ~/.jdc/config"),
        Source::Default => "by default".to_owned(),
    }
}

fn no_profile(origin: &Source, missing: &Missing) -> String {
    let Source::Profile { name, file } = origin else { return format!("{origin}: {missing}.") };
    let file = file.as_ref().map_or("~/.jdc/config".to_owned(), ToString::to_string);
    let problem = match missing {
        Missing::Home => {
            "No home directory is known, so ~/.jdc/config can't be found; set HOME or config_file.".to_owned()
        }
        Missing::File => format!("The file {file}, which should contain profile \"{name}\", does not exist."),
        Missing::Keys(keys) => {
            return format!(
                "Profile \"{name}\" of {file}, which is set in the provider block, has no {}. The provider does not use the \
                 keys of another source instead, because that could be another account. Add both to the profile, with \
                 \"jdc configure add\", or omit profile.",
                keys.join(" and no ")
            );
        }
        _ => format!("{file} has no profile \"{name}\"."),
    };
    format!(
        "{problem} Check profile and config_file in the provider block, or create the profile with \"jdc configure add\"."
    )
}
