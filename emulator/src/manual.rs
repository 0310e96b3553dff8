//! The manual page that `--help` prints.

use std::fmt::Write as _;

use jdcloud_emulator::FIELDS;

const HEAD: &str = r#"jdcloud-emulator: JD Cloud's VM API gateway on loopback, for demonstrations and tests

USAGE
  jdcloud-emulator [FLAGS]

It answers GET /v1/regions/{region}/imageConstraints (describeImageConstraintsBatch), verifies every
signature (JDCLOUD2-HMAC-SHA256), and goes wrong in the ways you choose. Once it accepts connections it
prints one line, "listening on http://127.0.0.1:PORT", and runs until SIGINT or SIGTERM.

TRY IT
  $ jdcloud-emulator --port 8080 --verbose
  $ export JDCLOUD_VM_ENDPOINT=http://127.0.0.1:8080 JDCLOUD_REGION=cn-north-1
  $ export JDCLOUD_ACCESS_KEY=EMULATOR-ACCESS-KEY JDCLOUD_SECRET_KEY=EMULATOR-SECRET-KEY
  $ terraform plan
  $ curl http://127.0.0.1:8080/_emulator/calls

FLAGS
  Server
    --port N                   default 0: any free port
    --address ADDRESS          127.0.0.1 (default) or ::1; nothing but loopback
    --tls                      https, HTTP/1.1 and HTTP/2, with an authority made for this run
    --tls-ca-out FILE          write that authority's certificate (PEM) there
    --address-file FILE        write the URL there too, at once and whole
    --exit-with-stdin          end when standard input closes
    --verbose                  a line per call on standard error

  Account
    --access-key KEY           default EMULATOR-ACCESS-KEY
    --secret-key KEY           default EMULATOR-SECRET-KEY
    --security-token TOKEN     calls must carry it, signed, in x-jdcloud-security-token
    --token-encoding FORM      base64 (default) or raw: how the token is written in that header
    --date-window SECONDS      how far x-jdcloud-date may be off (default 900)

  World
    --catalogue FILE           regions and images as JSON, see CATALOGUE
    --generate N               N images in cn-north-1, img-0000000001 and so on
    --types M                  each excluding M instance types (default 10)

  Scenario (each flag is also a field of the JSON, with underscores)
    --scenario JSON|@FILE      all at once; flags after it change single fields
"#;

const TAIL: &str = r#"
WHILE IT RUNS (not signed, not counted, never faulty)
  GET      /_emulator/calls      every call, and counters
  POST     /_emulator/reset      forget them
  GET, PUT /_emulator/scenario   what goes wrong; PUT {} heals
  GET, PUT /_emulator/catalogue  what exists

  $ curl -X PUT -d '{"fail_first": 3, "fail_status": 503}' http://127.0.0.1:8080/_emulator/scenario

ORDER OF FAULTS
  The URL's length, the path and the signature come first. Then: reset, hang, throttle, fail_first,
  fail_share; then what may be asked; then wrong answers. "The first N calls" are counted from the
  moment the scenario was set, over well-signed calls of all regions.

RAW ANSWERS
  --raw-answer '{"status": 401, "headers": {"Location": "/{{token|percent}}"}, "body": "{{token|unbase64}}"}'
  In headers and body stand for values of the call: {{id}} (the first id asked for), {{token}}
  (x-jdcloud-security-token), {{header:NAME}}; of the good answer: {{request-id}}, {{rows}} (without
  brackets); and {{repeat:N:TEXT}} for TEXT N times. Forms follow a bar, as in {{token|unbase64|unicode}}:
  upper, slashes (\/ for /), unicode (\u00XX for each character), percent, percent-lower, base64, unbase64.

CATALOGUE
  {
    "cn-north-1": {
      "img-web":     { "excludes": ["g.n4.large", "m.n2.18xlarge"] },
      "img-gpu":     { "source": "thirdparty", "includes": ["p.c1p40.large"] },
      "img-free":    {},
      "img-mine":    { "source": "private" },
      "img-strange": { "rows": [{ "imageId": "img-strange", "imageInstanceTypeConstraint": null }] }
    }
  }
  source is public (default), thirdparty or private. excludes and includes make one row each; rows are
  sent as they stand. Private and unknown ids have no row and are left out of answers without a word.

  Without --catalogue or --generate:
    cn-north-1  img-ubuntu2204     excludes g.n4.large, m.n2.18xlarge, p.c1p40g.large
                img-gpu            includes p.c1p40.large, p.c1p40g.large (third-party)
                img-includes-none  includes nothing: no instance type works
                img-excludes-none  excludes nothing
                img-sometimes      a kind of constraint that nobody knows
                img-null           a null constraint
                img-nulllist       excludes null
                img-twice          the same row twice
                img-free           public, no row
                img-private        private, no row
    cn-east-2   img-ubuntu2204     excludes s.i3f.metal
                img-east           includes g.n3.large, g.n3.xlarge
    cn-south-1  nothing
    cn-odd-1    answers that a client must refuse: img-quarrel (two rows that disagree), img-noid,
                img-notype, img-emptytype, img-includes-null

EXIT STATUS
  0 ended as told, 1 could not start, 2 wrong flags
"#;

/// The whole manual.
pub(crate) fn text() -> String {
    let mut manual = HEAD.to_owned();
    let mut group = "";
    for field in FIELDS {
        if group != field.group {
            group = field.group;
            let _ = writeln!(manual, "\n  Scenario: {group}");
        }
        let flag = format!("--{} {}", field.name.replace('_', "-"), field.takes);
        let mut margin = format!("    {flag:<27}");
        if flag.len() >= 27 {
            let _ = writeln!(manual, "    {flag}");
            margin = " ".repeat(31);
        }
        let mut line = margin;
        for word in field.help.split(' ') {
            if line.len() + word.len() >= 108 {
                let _ = writeln!(manual, "{}", line.trim_end());
                line = " ".repeat(31);
            }
            line.push_str(word);
            line.push(' ');
        }
        let _ = writeln!(manual, "{}", line.trim_end());
    }
    manual + TAIL
}
