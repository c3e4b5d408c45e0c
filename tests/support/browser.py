"""A real browser, driven as a person would: Chromium by chromedriver, which speaks WebDriver over HTTP.

    browser.open(url)
    browser.wait("document.querySelector('.state').textContent === 'RUNNING'")
    browser.click("button.act")

`wait` looks whenever the page changes, not from time to time.
"""
import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import watching

ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-breakpad"]
# Resolves when `condition` holds; what is not to be seen as a change of the page is looked at with the next frame or timer.
WAIT = """
const done = arguments[arguments.length - 1];
const look = () => { try { return %s; } catch (error) { return false; } };
const found = look();
if (found) { done(found); return; }
let over = false;
const again = () => { const value = !over && look(); if (value) { over = true; observer.disconnect(); clearInterval(timer); done(value); } };
const observer = new MutationObserver(again);
observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
const timer = setInterval(again, 50);
"""


class Browser:
    def __init__(self, directory, script=True):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       text=True, env=dict(os.environ, HOME=str(directory)))
        for line in self.driver.stdout:
            match = re.search(r"started successfully on port (\d+)", line)
            if match:
                break
        else:
            raise watching.Timeout("chromedriver did not start")
        self.base = "http://127.0.0.1:%s" % match[1]
        options = {"args": ARGUMENTS + ["--user-data-dir=%s" % (directory / "chromium")], "binary": "/usr/bin/chromium"}
        if not script:
            options["prefs"] = {"profile.managed_default_content_settings.javascript": 2}
        made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": int(watching.LIMIT * 1000), "pageLoad": int(watching.LIMIT * 1000)}}}})
        self.base += "/session/" + made["sessionId"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method, headers={"Content-Type": "application/json"},
                                         data=json.dumps(body).encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, timeout=watching.LIMIT * 2) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError("%s %s: %s" % (method, path, error.read().decode()[:1000])) from None

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, condition):
        """Wait until this JavaScript expression is true; its value."""
        try:
            return self.ask("POST", "/execute/async", {"script": WAIT % condition, "args": []})
        except AssertionError as error:
            raise AssertionError("%s\nwaiting for: %s\nthe page:\n%s\nthe console:\n%s" % (
                error, condition, self.run("return document.body.innerText"), self.console())) from None

    def find(self, selector):
        return next(iter(self.ask("POST", "/element", {"using": "css selector", "value": selector}).values()))

    def click(self, selector):
        self.ask("POST", "/element/%s/click" % self.find(selector), {})

    def type(self, selector, text):
        self.ask("POST", "/element/%s/value" % self.find(selector), {"text": text})

    def press(self, key):
        """A key, whatever has the focus."""
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": [
            {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]}]})

    def text(self, selector):
        return self.ask("GET", "/element/%s/text" % self.find(selector))

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def console(self):
        """What the page complained of since the last call."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.driver.stdout.close()
