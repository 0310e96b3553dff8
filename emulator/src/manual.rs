//! The manual page that `--help` prints.

use std::fmt::Write as _;

use jdcloud_emulator::FIELDS;

const HEAD: &str = r#"jdcloud-emulator: JD Cloud's VM API gateway on loopback, for demonstrations and tests

USAGE
  jdcloud-emulator [FLAGS]

It answers these calls, verifies their signatures (JDCLOUD2-HMAC-SHA256 and JDCLOUD3-HMAC-SHA256),
and injects the faults you choose:

  GET /v1/regions/{region}/imageConstraints   describeImageConstraintsBatch
  GET /v1/regions/{region}/images             describeImages
  GET /v1/regions/{region}/images/{imageId}   describeImage
  GET /v1/regions/{region}/instanceTypes      describeInstanceTypes

Once it accepts connections it prints one line, "listening on http://127.0.0.1:PORT", and runs until SIGINT
or SIGTERM.

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
    --address-file FILE        write the URL there too
    --exit-with-stdin          end when standard input closes
    --verbose                  a line per call on standard error

  Account
    --access-key KEY           default EMULATOR-ACCESS-KEY
    --secret-key KEY           default EMULATOR-SECRET-KEY
    --security-token TOKEN     calls must carry it, signed, in x-jdcloud-security-token
    --token-encoding FORM      base64 (default) or raw: how the token is written in that header
    --signature VERSION        2, 3 or any (default): which versions are accepted
    --date-window SECONDS      how far x-jdcloud-date may be off (default 900)

  Catalogue
    --catalogue FILE           regions, images and instance types as JSON, see CATALOGUE
    --documented               the example of describeImageConstraintsBatch's page, in cn-north-1
    --generate N               N images in cn-north-1, img-0000000001 and so on
    --types M                  each excluding M instance types (default 10)

  Scenario (each flag is also a field of the JSON, with underscores)
    --scenario JSON|@FILE      all at once; flags after it change single fields
"#;

const TAIL: &str = r#"
CONTROL API (requests are neither signed nor counted)
  GET      /_emulator/calls      all calls, and counters
  POST     /_emulator/reset      clears them
  GET, PUT /_emulator/scenario   the faults; PUT {} removes them
  GET, PUT /_emulator/catalogue  regions, images and instance types

  $ curl -X PUT -d '{"fail_first": 3, "fail_status": 503}' http://127.0.0.1:8080/_emulator/scenario

ORDER OF FAULTS
  The URL's length, the path and the signature come first. Then: reset, hang, throttle, fail_first,
  fail_share; then request limits; then wrong answers. "The first N calls" are counted from the moment
  the scenario was set, over calls with a valid signature, of all regions and, unless only_operations
  is set, of all operations.

RAW ANSWERS
  --raw-answer '{"status": 401, "headers": {"Location": "/{{token|percent}}"}, "body": "{{token|unbase64}}"}'
  Placeholders in headers and body:
    {{id}}             the first requested id
    {{token}}          the request's x-jdcloud-security-token
    {{header:NAME}}    any header of the request
    {{request-id}}     the request id of the good answer
    {{rows}}           its rows, without the brackets
    {{repeat:N:TEXT}}  TEXT, N times
  All but the last can be encoded, as in {{token|unbase64|unicode}}: upper, slashes (\/ for /), unicode
  (\u00XX for each character), percent, percent-lower, base64, unbase64.

CATALOGUE
  {
    "cn-north-1": {
      "img-web":     { "excludes": ["g.n4.large", "m.n2.18xlarge"], "details": { "platform": "Ubuntu" } },
      "img-gpu":     { "source": "thirdparty", "includes": ["p.c1p40.large"] },
      "img-free":    {},
      "img-mine":    { "source": "private" },
      "img-strange": { "rows": [{ "imageId": "img-strange", "imageInstanceTypeConstraint": null }] },
      "instanceTypes": [{ "instanceType": "g.n4.large", "state": [{ "az": "cn-north-1a", "inStock": true }] }]
    }
  }
  source is public (default), thirdparty, private, shared or community; only the first two have constraints.
  excludes and includes make one row each; rows are sent as they stand. Images without a row and unknown ids
  are left out of describeImageConstraintsBatch. details are further fields of an image in describeImages;
  instanceTypes are sent as they stand.

  Without --catalogue, --documented or --generate:
    cn-north-1  img-ubuntu2204     excludes g.n4.large, m.n2.18xlarge, p.c1p40g.large
                img-gpu            includes p.c1p40.large, p.c1p40g.large (third-party)
                img-includes-none  includes nothing: no instance type works
                img-excludes-none  excludes nothing
                img-sometimes      an unknown kind of constraint
                img-null           a null constraint
                img-nulllist       excludes null
                img-twice          the same row twice
                img-free           public, no row
                img-private        private, no row
                img-pending        private and not ready, no row
                img-shared, img-community   no row
                img-delisted       public and delisted, no row
    cn-east-2   img-ubuntu2204     excludes s.i3f.metal
                img-east           includes g.n3.large, g.n3.xlarge
    cn-east-1   a region as large as a real one: 43 public images of several platforms, 8 of the marketplace,
                5 private, 3 shared and 3 community ones, with constraints that fit its instance types
    cn-south-1  nothing
    cn-odd-1    answers that a client must refuse: img-quarrel (two rows that disagree), img-noid,
                img-notype, img-emptytype, img-includes-null
    cn-north-1, cn-east-1 and cn-east-2 have 150 instance types each, in the zones a, b and c: most in stock,
    some sold out. c.n4.large is sold out in a; c.n3.large and g.n4.large are in stock everywhere.

EXIT STATUS
  0 ended by signal or standard input, 1 could not start, 2 wrong flags
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
