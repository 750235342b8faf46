#!/usr/bin/env bash
# Puts on this machine what a make target needs, and says what it does.
#
#   tools/bootstrap.sh site     a private Python in .venv, the site's packages, npm packages, Graphviz
#   tools/bootstrap.sh book     the same, plus WeasyPrint, the typefaces for print, and Pango
#   tools/bootstrap.sh test     all of that, plus the test packages, Chromium, Firefox, tshark and pdftotext
#   tools/bootstrap.sh lint     the Python packages for the checks
#   tools/bootstrap.sh bench    what the measurements need: the peers, spin, and a browser
#   tools/bootstrap.sh peers    the systems that the labs are measured against, into benchmarks/peers/ only
#   tools/bootstrap.sh lock     writes requirements/*.txt and package-lock.json anew
#
# Everything private goes to .venv, .tools and node_modules; only apt-get or brew touch the machine, and only
# for programs that are missing. A stamp holds the hash of what was asked for, so a second run does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYTHON=.venv/bin/python
readonly WANTED=$(cat .python-version)

say() { printf '==> %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# The hash of some files and words: what a stamp holds.
fingerprint() { cat "$@" | cksum | tr ' ' '-'; }

# --- programs of the machine ---------------------------------------------------------------------------

# as_root COMMAND…: runs it as root, or fails when that would need a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo && sudo -n true 2>/dev/null; then sudo -n "$@"
  else return 1
  fi
}

# machine_package PROGRAM APT-PACKAGE BREW-PACKAGE: installs what is missing, returns 1 when it may not.
machine_package() {
  local program=$1 apt=$2 brew=$3
  have "$program" && return 0
  if have apt-get; then
    say "installing $apt with apt-get ($program is missing)"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$apt")
    # Lists may be old or missing: fetch them only when the first try fails.
    as_root "${install[@]}" >/dev/null 2>&1 && have "$program" && return 0
    as_root apt-get update -q >/dev/null 2>&1 && as_root "${install[@]}" >/dev/null && have "$program"
  elif have brew && [ -n "$brew" ]; then
    say "installing $brew with brew ($program is missing)"
    brew install --quiet "$brew" && have "$program"
  else
    return 1
  fi
}

# --- Python --------------------------------------------------------------------------------------------

# Sets UV to a uv program: the machine's own, or a private one in .tools.
find_uv() {
  if have uv; then UV=uv; return; fi
  UV=.tools/uv/bin/uv
  [ -x "$UV" ] && return
  have python3 || machine_package python3 python3 python@3.13 || die "Python 3 is needed. Install it, then run make again."
  say "installing uv into .tools (uv is missing)"
  rm -rf .tools/uv
  local pip=(install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt)
  if python3 -m venv .tools/uv >/dev/null 2>&1; then
    .tools/uv/bin/python -m pip "${pip[@]}"
  elif python3 -m pip --version >/dev/null 2>&1; then
    rm -rf .tools/uv
    python3 -m pip "${pip[@]}" --target .tools/uv
  else
    # Debian ships python3 without pip and without the half of venv that would bring it.
    rm -rf .tools/uv
    say "installing python3-venv with apt-get (this Python has neither venv nor pip)"
    have apt-get || die "this Python has neither venv nor pip. Install uv, then run make again."
    { as_root apt-get install -y -q --no-install-recommends python3-venv ||
      { as_root apt-get update -q && as_root apt-get install -y -q --no-install-recommends python3-venv; }
    } >/dev/null 2>&1 || die "python3-venv is needed. Run: sudo apt-get install python3-venv"
    python3 -m venv .tools/uv && .tools/uv/bin/python -m pip "${pip[@]}"
  fi
  [ -x "$UV" ] || die "uv could not be installed. Install it by hand, then run make again."
}

# Makes .venv. uv looks for the wanted Python on this machine, then tries to fetch it; then comes whatever is here.
make_venv() {
  [ -x "$PYTHON" ] && "$PYTHON" -c '' 2>/dev/null && return
  rm -rf .venv
  say "making .venv with Python $WANTED"
  local venv=("$UV" venv --quiet --prompt teardown)
  "${venv[@]}" --python "$WANTED" .venv 2>/dev/null && return
  machine_package python3 python3 "python@$WANTED" || true
  "${venv[@]}" --python "$WANTED" --no-python-downloads .venv 2>/dev/null && return
  "${venv[@]}" --python '>=3.12' --no-python-downloads .venv 2>/dev/null ||
    die "Python 3.12 or later is needed and could not be had. Install Python $WANTED, then run make again."
  say "no Python $WANTED here: using $("$PYTHON" -V). The labs start more slowly, for their Python is shipped uncompiled."
}

# python_packages GROUP…: makes .venv hold exactly the groups ever asked for, with the hashes of requirements/.
python_packages() {
  local groups group files=()
  # shellcheck disable=SC2046
  groups=$(printf '%s\n' "$@" $(cat .venv/groups 2>/dev/null || true) | sort -u)
  for group in $groups; do files+=("requirements/$group.txt"); done
  local stamp
  stamp=$(fingerprint pyproject.toml "${files[@]}")
  if [ -x "$PYTHON" ] && [ "$(cat .venv/stamp 2>/dev/null || true)" = "$stamp" ]; then return; fi
  find_uv
  make_venv
  say "installing Python packages:" $groups
  "$UV" pip sync --quiet --python "$PYTHON" --require-hashes "${files[@]}"
  "$UV" pip install --quiet --python "$PYTHON" --no-deps --no-build-isolation --editable .
  printf '%s\n' "$groups" > .venv/groups
  printf '%s\n' "$stamp" > .venv/stamp
}

# --- npm -----------------------------------------------------------------------------------------------

node_packages() {
  local stamp
  stamp=$(fingerprint package.json package-lock.json)
  [ "$(cat node_modules/.stamp 2>/dev/null || true)" = "$stamp" ] && return
  # A private Node.js comes as a Python package, so that one package index is enough.
  have npm || python_packages node
  say "installing npm packages (Pyodide, fonts)"
  PATH="$PATH:$PWD/.venv/bin" npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
  printf '%s\n' "$stamp" > node_modules/.stamp
}

# --- what the targets ask for --------------------------------------------------------------------------

# The peers of the labs have an environment of their own: nothing of it reaches the site or the tests.
peers() {
  local stamp
  stamp=$(fingerprint benchmarks/peers/package-lock.json benchmarks/peers/requirements.txt)
  [ "$(cat benchmarks/peers/node_modules/.stamp 2>/dev/null || true)" = "$stamp" ] && return
  say "installing the peers into benchmarks/peers/"
  PATH="$PATH:$PWD/.venv/bin" npm ci --prefix benchmarks/peers --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
  find_uv
  "$UV" venv --quiet --clear --python "$PYTHON" benchmarks/peers/.venv
  "$UV" pip sync --quiet --python benchmarks/peers/.venv/bin/python --require-hashes benchmarks/peers/requirements.txt
  printf '%s\n' "$stamp" > benchmarks/peers/node_modules/.stamp
}

graphviz() {
  machine_package dot graphviz graphviz || die "Graphviz is needed. Run: sudo apt-get install graphviz"
}

# Chromium has several names; tests look for the same ones, or take the path in CHROMIUM.
browser() {
  local name
  [ -n "${CHROMIUM:-}" ] && return
  for name in chromium chromium-browser google-chrome google-chrome-stable; do have "$name" && return; done
  [ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ] && return
  machine_package chromium chromium "" ||
    die "Chromium is needed by the browser tests. Install it, or set CHROMIUM to the path of one."
}

# A second browser, for the labs. Its tests skip where it cannot be had.
second_browser() {
  have firefox-esr || have firefox && return
  machine_package firefox-esr firefox-esr "" || say "Firefox is missing: the tests in a second browser will skip"
}

packet_reader() {
  machine_package tshark tshark wireshark || die "tshark is needed by the capture tests. Run: sudo apt-get install tshark"
}

# Reads the printed book for the tests, which skip what needs it where it cannot be had.
pdf_reader() {
  machine_package pdftotext poppler-utils poppler || say "pdftotext is missing: the tests that read the printed book will skip"
}

# Spin and the C compiler that it needs. Measurements do without, and say so.
model_checker() {
  machine_package spin spin spin && machine_package cc gcc "" || say "spin or cc is missing: it will not be measured"
}

# WeasyPrint is Python, but it sets its lines with Pango, a library of the machine. It has no program to look for,
# so what is tried is whether WeasyPrint finds it.
typesetter() {
  "$PYTHON" -c 'import weasyprint' >/dev/null 2>&1 && return
  if have apt-get; then
    say "installing Pango with apt-get (the book is set with it)"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends
      libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0)
    as_root "${install[@]}" >/dev/null 2>&1 ||
      { as_root apt-get update -q >/dev/null 2>&1 && as_root "${install[@]}" >/dev/null; } || true
  elif have brew; then
    say "installing pango with brew (the book is set with it)"
    brew install --quiet pango || true
  fi
  "$PYTHON" -c 'import weasyprint' >/dev/null 2>&1 ||
    die "Pango is needed for the book. Run: sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
}

lock() {
  find_uv
  local compile=("$UV" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --upgrade)
  local ours=(--python-version 3.12)
  say "locking requirements/site.txt"
  "${compile[@]}" "${ours[@]}" --group site -o requirements/site.txt pyproject.toml
  local group
  for group in book test lint bench node; do
    say "locking requirements/$group.txt"
    "${compile[@]}" "${ours[@]}" --group "$group" -c requirements/site.txt -o "requirements/$group.txt" pyproject.toml
  done
  # uv is installed by whatever Python 3 there is.
  say "locking requirements/uv.txt"
  "${compile[@]}" --python-version 3.8 -o requirements/uv.txt requirements/uv.in
  have npm || python_packages node
  say "locking package-lock.json"
  PATH="$PATH:$PWD/.venv/bin" npm install --package-lock-only --omit-lockfile-registry-resolved \
    --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
}

case ${1:-} in
  site) python_packages site; node_packages; graphviz ;;
  book) python_packages site book; node_packages; graphviz; typesetter ;;
  test) python_packages site book test; node_packages; graphviz; typesetter; browser; second_browser; packet_reader; pdf_reader ;;
  lint) python_packages site book test lint ;;
  bench) python_packages site book test bench; node_packages; graphviz; typesetter; browser; model_checker ;;
  peers) python_packages site book test bench; node_packages; graphviz; typesetter; browser; peers ;;
  lock) lock ;;
  *) die "say one of: site, book, test, lint, bench, peers, lock" ;;
esac
