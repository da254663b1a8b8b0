#!/usr/bin/env bash
# Builds the native add-on of @tensorflow/tfjs-node in this workspace against the TensorFlow library of PyPI's
# tensorflow-cpu: for machines where the package's own download of libtensorflow is not to be had.
# Needs python3 with pip, unzip, a C++ compiler and make. Linux on x64.
#
#   scripts/install-tfjs-node.sh            installs; ends with status 1 when it cannot
#   scripts/install-tfjs-node.sh --optional the same, but says why it cannot and ends with status 0
#
# TENSORFLOW_VERSION chooses the wheel. By default the first of those below that exists for this Python; older ones have
# no libtensorflow_cc.so.2.
set -euo pipefail

versions="${TENSORFLOW_VERSION:-2.12.0 2.18.1 2.20.0}"
root="$(cd "$(dirname "$0")/.." && pwd)"
package="$root/packages/asl-tfjs/node_modules/@tensorflow/tfjs-node"
optional=false
[ "${1:-}" = "--optional" ] && optional=true

fail() {
  echo "tfjs-node is not installed: $1" >&2
  if $optional; then exit 0; fi
  exit 1
}

[ "$(uname -s)-$(uname -m)" = "Linux-x86_64" ] || fail "this script knows Linux on x64 only"
for tool in python3 unzip make c++ nm; do
  command -v "$tool" > /dev/null || fail "$tool is missing"
done
[ -d "$package" ] || fail "$package does not exist; run pnpm install first"
package="$(cd "$package" && pwd -P)"

try() {
  TF_CPP_MIN_LOG_LEVEL=2 node -e '
    const util = require("node:util");
    util.isNullOrUndefined ??= (value) => value == null;
    const tf = require(process.argv[1]);
    const y = tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0];
    if (tf.getBackend() !== "tensorflow" || y !== 11) throw new Error(`1 * 3 + 2 * 4 = ${y} on ${tf.getBackend()}`);
  ' "$package"
}

if try 2> /dev/null; then
  echo "tfjs-node works already: $package"
  exit 0
fi

# On the same file system, so that the library moves instead of being copied; half a gigabyte.
work="$(mktemp -d "$package/install.XXXXXX")"
trap 'rm -rf "$work"' EXIT

version=
for candidate in $versions; do
  if python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$work" "tensorflow-cpu==$candidate" 2> "$work/pip.log"; then
    version="$candidate"
    break
  fi
done
if [ -z "$version" ]; then
  tail -n 2 "$work/pip.log" >&2
  fail "pip could not download tensorflow-cpu $versions for this Python"
fi
unzip -q "$work"/tensorflow_cpu-*.whl 'tensorflow/include/*' 'tensorflow/libtensorflow*' -d "$work" \
  || fail "the wheel of tensorflow-cpu $version has no headers or libraries"
library="$work/tensorflow/libtensorflow_cc.so.2"
[ -f "$library" ] || fail "the wheel of tensorflow-cpu $version has no libtensorflow_cc.so.2"
# Not grep -q: it would end before nm has written all, which pipefail takes for a failure.
nm -D "$library" | grep ' T TFE_NewContext\b' > /dev/null || fail "libtensorflow_cc of $version lacks TensorFlow's eager C API"

rm -rf "$package/deps"
mkdir -p "$package/deps/lib"
mv "$work/tensorflow/include" "$package/deps/include"
mv "$work"/tensorflow/libtensorflow* "$package/deps/lib/"
ln -sf libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so"
ln -sf libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so.2.9.1"
ln -sf libtensorflow_framework.so.2 "$package/deps/lib/libtensorflow_framework.so"

# Node's headers lie beside the binary or in /usr; without them node-gyp downloads them.
prefix="$(node -p 'require("node:path").dirname(require("node:path").dirname(process.execPath))')"
for candidate in "$prefix" /usr; do
  if [ -f "$candidate/include/node/node_api.h" ]; then
    export npm_config_nodedir="$candidate"
    break
  fi
done
log="$work/build.log"
(cd "$package" && npx --no-install node-pre-gyp install --build-from-source) > "$log" 2>&1 \
  || { tail -n 20 "$log" >&2; fail "the add-on does not compile"; }

try || fail "the add-on was built, but does not run"
echo "tfjs-node works with TensorFlow $version: $package"
