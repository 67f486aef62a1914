//! Interpreters, compilers and their standard libraries.

use crate::catalogers::binary_classifier::evidence::Classifier;
use crate::catalogers::binary_classifier::evidence::Evidence;
use crate::catalogers::binary_classifier::evidence::Evidence::{Any, Beside, ByName, Library, Near, Text};

/// Python's version between NULs, in programs and libraries.
const PYTHON: &str = r"(?m)\x00(?P<version>{version}[-._a-zA-Z0-9]*)\x00";
const LIBPYTHON: Evidence =
    ByName { path: r"(?:.*/|^)libpython(?P<version>[0-9]+(?:\.[0-9]+)+)[a-z]?\.so.*$", text: PYTHON };
/// `ruby 3.2.1 (2023-02-08 revision 31819e82c8) [x86_64-linux]`.
const RUBY: Evidence = Text(r"(?m)ruby (?P<version>[0-9]+\.[0-9]+\.[0-9]+((p|preview|rc|dev)[0-9]*)?) ");
/// What a distribution of Go has in its file `VERSION`.
const GO_VERSION: &str = r"(?m)go(?P<version>[0-9]+\.[0-9]+(\.[0-9]+|beta[0-9]+|alpha[0-9]+|rc[0-9]+|-[_0-9a-z]+)?)";
const JULIA: &str = r"\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00julia version";
/// Where it was compiled.
const ERLANG_SOURCE: &str = r"(?m)/src/otp_src_(?P<version>[0-9]+\.[0-9]+(\.[0-9]+){0,2}(-rc[0-9])?)/erts/";
const ERLANG_LOCAL_SOURCE: &str = r"(?m)/usr/local/src/otp-(?P<version>[0-9]+\.[0-9]+(\.[0-9]+){0,2}(-rc[0-9])?)/erts/";

pub(super) static ALL: &[Classifier] = &[
    Classifier::new(
        "python-binary",
        "**/python*",
        "python",
        &[("python_software_foundation", "python"), ("python", "python")],
        Any(&[
            Library {
                names: r"^libpython[0-9]+(?:\.[0-9]+)+[a-z]?\.so.*$",
                files: "**/libpython*.so*",
                evidence: &LIBPYTHON,
            },
            ByName { path: r"(?:.*/|^)python(?P<version>[0-9]+(?:\.[0-9]+)+)$", text: PYTHON },
        ]),
    ),
    Classifier::new(
        "python-binary-lib",
        "**/libpython*.so*",
        "python",
        &[("python_software_foundation", "python"), ("python", "python")],
        LIBPYTHON,
    ),
    Classifier::new(
        "pypy-binary-lib",
        "**/libpypy*.so*",
        "pypy",
        &[],
        Text(r"(?m)\[PyPy (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    ),
    Classifier::new(
        "go-binary",
        "**/{go,go.exe}",
        "go",
        &[("golang", "go")],
        Any(&[
            Text(r"(?m)go(?P<version>[0-9]+\.[0-9]+(\.[0-9]+|beta[0-9]+|alpha[0-9]+|rc[0-9]+)?)\x00"),
            Beside { file: "VERSION*", evidence: &Text(GO_VERSION) },
            Beside { file: "../VERSION*", evidence: &Text(GO_VERSION) },
        ]),
    ),
    Classifier::new(
        "julia-binary",
        "**/libjulia-internal.so",
        "julia",
        &[("julialang", "julia")],
        Any(&[
            Near(&["__init__"], r"\x00__init__\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00(branch|verify_methods)"),
            Near(&["branch"], r"(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00branch\x00"),
            Near(&["BigInt"], r"\x00verify_methods\x00.{0,30}(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00BigInt"),
            Near(&["julia version"], JULIA),
        ]),
    ),
    Classifier::new(
        "julia-binary",
        "**/julia",
        "julia",
        &[("julialang", "julia")],
        Library {
            names: r"^libjulia\.so(\.[0-9])?(\.[0-9])?$",
            files: "**/libjulia.so*",
            evidence: &Any(&[
                Near(&["julia version"], JULIA),
                Near(&["#kw#"], r"\x00#kw#\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00(BigInt|_require_dependencies)"),
                Near(&["jl_sysimg_cpu_target"], r"\x00ObjectIdDict\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00jl_sysimg_cpu_target"),
                Near(&["core2"], r"\x00require\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00core2"),
            ]),
        },
    ),
    Classifier::new(
        "nodejs-binary",
        "**/node",
        "node",
        &[("nodejs", "node.js")],
        Any(&[
            Near(&["v0.", "v4.", "v5.", "v6."], r"(?m)\x00(node )?v(?P<version>(0|4|5|6)\.[0-9]+\.[0-9]+)\x00"),
            Text(r"(?m)node\.js/v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
        ]),
    ),
    Classifier::new(
        "perl-binary",
        "**/perl",
        "perl",
        &[("perl", "perl")],
        Text(r"(?m)/usr/local/lib/perl\d/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    )
    .purl("pkg:cpan/perl"),
    Classifier::new(
        "php-composer-binary",
        "**/composer*",
        "composer",
        &[("getcomposer", "composer")],
        Text(r"(?m)'pretty_version'\s*=>\s*'(?P<version>[0-9]+\.[0-9]+\.[0-9]+(beta[0-9]+|alpha[0-9]+|RC[0-9]+)?)'"),
    ),
    Classifier::new(
        "rust-standard-library-linux",
        "**/libstd-????????????????.so",
        "rust",
        &[("rust-lang", "rust")],
        Text(r"(?m)(\x00)clang LLVM \(rustc version (?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)) \(\w+ \d{4}\-\d{2}\-\d{2}\)"),
    ),
    Classifier::new(
        "rust-standard-library-macos",
        "**/libstd-????????????????.dylib",
        "rust",
        &[("rust-lang", "rust")],
        Text(r"(?m)c (?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)) \(\w+ \d{4}\-\d{2}\-\d{2}\)"),
    ),
    Classifier::new(
        "ruby-binary",
        "**/ruby",
        "ruby",
        &[("ruby-lang", "ruby")],
        Any(&[
            RUBY,
            Library {
                names: r"^libruby\.so.*$",
                files: "**/libruby.so*",
                evidence: &RUBY,
            },
        ]),
    ),
    Classifier::new(
        "erlang-binary",
        "**/erlexec",
        "erlang",
        &[("erlang", "erlang/otp")],
        Any(&[
            Text(ERLANG_SOURCE),
            Text(ERLANG_LOCAL_SOURCE),
        ]),
    ),
    Classifier::new(
        "erlang-alpine-binary",
        "**/beam.smp",
        "erlang",
        &[("erlang", "erlang/otp")],
        Any(&[
            Text(ERLANG_SOURCE),
            Text(ERLANG_LOCAL_SOURCE),
            Near(&["Erlang/OTP"], r"\x00+(?P<version>[0-9]+\.[0-9]+(\.[0-9]+){0,2}(-rc[0-9])?)\x00+Erlang/OTP"),
            Text(r"(?s)Erlang/OTP.{1,150}\x00+(?P<version>[0-9]+\.[0-9]+(\.[0-9]+){0,2}(-rc[0-9])?)\x00+"),
        ]),
    ),
    Classifier::new(
        "erlang-library",
        "**/liberts_internal.a",
        "erlang",
        &[("erlang", "erlang/otp")],
        Any(&[
            Text(ERLANG_SOURCE),
            Text(ERLANG_LOCAL_SOURCE),
        ]),
    ),
    Classifier::new(
        "swipl-binary",
        "**/swipl",
        "swipl",
        &[("erlang", "erlang/otp")],
        Text(r"(?m)swipl-(?P<version>[0-9]+\.[0-9]+\.[0-9]+)/"),
    ),
    Classifier::new(
        "dart-binary",
        "**/dart",
        "dart",
        &[("dart", "dart_software_development_kit")],
        Text(r"(?m)\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-[0-9]+(\.[0-9]+)?\.beta)?) "),
    ),
    Classifier::new(
        "deno-binary",
        "**/deno",
        "deno",
        &[("deno", "deno")],
        Any(&[
            Text(r"Deno/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)(Deno/|cli/)"),
            Text(r"Deno/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
            Text(r"deno-canary/[0-9a-z]{40}(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
            Text(r"deno-[0-9a-z]{40}release/v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
            Text(r"deno-[0-9a-z]{40}(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
            Near(&["DENO"], r"(?P<version>[0-9]+\.[0-9]+\.[0-9]+)[0-9a-z]{40}DENO"),
        ]),
    ),
    Classifier::new(
        "bun-binary",
        "**/bun",
        "bun",
        &[("oven-sh", "bun")],
        Any(&[
            Text(r"(?m)[Bb]un v?(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
            Text(r"(?m)bun-(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
        ]),
    )
    .guessed(),
    Classifier::new(
        "haskell-ghc-binary",
        "**/ghc*",
        "haskell/ghc",
        &[("haskell", "ghc")],
        Any(&[
            Text(r"(?m)\x00GHC (?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
            Text(r"\x00libHSghc\-(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\-([a-zA-Z0-9]+\-)?ghc[0-9]+\.[0-9]+\.[0-9]+\.so\x00"),
        ]),
    )
    .guessed(),
    Classifier::new(
        "haskell-cabal-binary",
        "**/cabal",
        "haskell/cabal",
        &[("haskell", "cabal")],
        Any(&[
            Text(r"(?m)\x00Cabal-(?P<version>[0-9]+\.[0-9]+\.[0-9]+(\.[0-9]+)?)-"),
            Near(&["cabal-install-"], r"\x00[^\x00\n]{0,50}cabal\-install\-(?P<version>[0-9]+\.[0-9]+\.[0-9]+(\.[0-9]+)?)\-[a-zA-Z0-9]+\x00+"),
        ]),
    )
    .guessed(),
    Classifier::new(
        "haskell-stack-binary",
        "**/stack",
        "haskell/stack",
        &[("haskell", "stack")],
        Text(r"(?m)Version\s*(?P<version>[0-9]+\.[0-9]+\.[0-9]+),\s*Git"),
    )
    .guessed(),
    Classifier::new(
        "elixir-binary",
        "**/elixir",
        "elixir",
        &[("elixir-lang", "elixir")],
        Text(r"(?m)ELIXIR_VERSION=(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[a-z0-9]+(?:\.[0-9]+)?)?)"),
    ),
    Classifier::new(
        "elixir-library",
        "**/elixir/ebin/elixir.app",
        "elixir",
        &[("elixir-lang", "elixir")],
        Text(r#"(?m)\{vsn,"(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[a-z0-9]+(?:\.[0-9]+)?)?)"\}"#),
    ),
];
