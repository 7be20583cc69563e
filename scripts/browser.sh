# Sourced by test.sh: installs chromium for the tests in a browser where that is missing and can be had.
if ! command -v chromium chromium-browser google-chrome >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing chromium, for the tests in a browser (once) ..."
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || true
    fi
    if ! command -v chromium chromium-browser google-chrome >/dev/null; then
        echo "There is no chromium: the tests in a browser are skipped, or fail with REQUIRE_BROWSER=1."
    fi
fi
