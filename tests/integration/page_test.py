"""The page in a real browser: what a person sees and does. And as plain HTML, by supervisor's addresses."""
import html.parser
import http.client
import os
import random
import re
import shutil
import signal
import socket
import urllib.parse

import pytest

import browser as browsers
import watching

PROGRAMS = r"""
[inet_http_server]
port = 127.0.0.1:{port}
[program:web]
command = sh -c "printf 'plain\n\033[31mred words\033[0m\n<b>no markup</b>\n'; exec sleep 1000"
process_name = %(program_name)s_%(process_num)02d
numprocs = 3
[program:chatty]
command = sh -c "while read line <%(here)s/say; do echo \"heard $line\"; done"
[program:broken]
command = /no/such/file
autostart = false
"""


def free_port():
    """One that nobody gets who asks for any."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def serve(reeved):
    port = free_port()
    os.mkfifo(reeved.dir / "say")
    reeved.start(PROGRAMS.replace("{port}", str(port)))
    for name in ("web_00", "web_01", "web_02", "chatty"):
        reeved.wait_running(name)
    reeved.url, reeved.port = "http://127.0.0.1:%d/" % port, port
    return reeved


@pytest.fixture
def page(reeved_served):
    return serve(reeved_served)


def opened(page, tmp_path, **more):
    if not shutil.which("chromedriver") or not shutil.which("chromium"):
        pytest.skip("chromium is not here")
    browser = browsers.Browser(tmp_path, **more)
    try:
        browser.open(page.url)
        yield browser
    finally:
        browser.close()


@pytest.fixture
def browser(page, tmp_path):
    yield from opened(page, tmp_path)


@pytest.fixture
def plain_browser(page, tmp_path):
    yield from opened(page, tmp_path, script=False)


def row(name):
    return "document.querySelector('tr[data-id=\"%s\"]')" % name


def state(name, word):
    return "%s.querySelector('.state').textContent.startsWith('%s')" % (row(name), word)


def act(name, verb):
    return "tr[data-id=\"%s\"] [data-act=%s]" % (name, verb)


# ---- with script ----

def test_the_page_is_live(page, browser):
    browser.wait("document.querySelectorAll('tr.process').length === 5")
    browser.wait(state("web:web_00", "RUNNING"))
    browser.wait("document.querySelector('#link').textContent === 'live'")
    browser.click(act("web:web_00", "stop"))
    browser.wait(state("web:web_00", "STOPPED"))
    browser.click(act("web:web_00", "start"))
    browser.wait(state("web:web_00", "RUNNING"))

    # what nobody clicked is seen too, and counted
    after = page.seen
    pid = int(re.search(r"\d+", browser.run("return %s.children[3].title" % row("web:web_01")))[0])
    os.kill(pid, signal.SIGKILL)
    page.wait_spawned("web_01", after)
    browser.wait(row("web:web_01") + ".querySelector('.c-restarts').textContent === '1'")
    browser.wait(state("web:web_01", "RUNNING"))
    browser.wait(row("web:web_02") + ".querySelector('.c-memory').textContent.match(/[0-9]/)")
    browser.click(act("broken", "start"))
    browser.wait("document.querySelector('.toast.bad')?.textContent.includes('broken: no such file')")
    assert browser.console() == []


def test_many_at_a_time(page, browser):
    browser.wait("document.querySelectorAll('tr.process').length === 5")
    for name in ("web:web_00", "web:web_02"):
        browser.click('tr[data-id="%s"] input' % name)
    browser.wait("document.querySelector('#picked-count').textContent === '2 selected'")
    browser.click("[data-many=stop]")
    browser.wait("document.querySelector('#ask').open")
    browser.click("#ask-yes")
    browser.wait(state("web:web_00", "STOPPED") + "&&" + state("web:web_02", "STOPPED"))
    assert browser.run("return " + state("web:web_01", "RUNNING"))
    browser.click("tr.group:not([hidden]) [data-act=start]")
    browser.wait(state("web:web_00", "RUNNING") + "&&" + state("web:web_02", "RUNNING"))
    assert browser.console() == []


def test_a_log_is_followed_and_searched(page, browser):
    browser.wait("document.querySelectorAll('tr.process').length === 5")
    browser.click('tr[data-id="web:web_00"] .name')
    browser.wait("document.querySelectorAll('#log div').length >= 3")
    assert "<b>no markup</b>" in browser.text("#log")
    assert browser.run("return document.querySelector('#log .fg1').textContent") == "red words"
    browser.type("#log-search", "RED")
    browser.wait("document.querySelectorAll('#log mark').length === 1")

    browser.click('tr[data-id="chatty"] .name')
    (page.dir / "say").write_text("one\n")
    browser.wait("document.querySelector('#log').textContent.includes('heard one')")
    browser.press("\ue00c")  # Escape leaves the search, then closes the log
    browser.press("\ue00c")
    browser.wait("document.querySelector('#detail').hidden")
    assert browser.console() == []


def test_keys(page, browser):
    browser.wait("document.querySelectorAll('tr.process').length === 5")
    browser.press("/")
    browser.type("#search", "web_02")
    browser.wait("document.querySelectorAll('tr.process').length === 1")
    browser.press("\ue00c")
    browser.press("j")
    browser.wait("document.activeElement.dataset.id === 'web:web_02'")
    browser.press("t")
    browser.wait(state("web:web_02", "STOPPED"))
    browser.press("s")
    browser.wait(state("web:web_02", "RUNNING"))
    browser.press("e")
    browser.wait("document.querySelector('#event-list').textContent.includes('web:web_02')")
    browser.press("?")
    browser.wait("document.querySelector('#help').open")
    assert browser.console() == []


def test_a_killed_gateway_is_not_the_end(page, browser):
    browser.wait("document.querySelector('#link').textContent === 'live'")
    before = int(browser.run("return fetch('/api/v1/supervisor').then((answer) => answer.json()).then((self) => self.roles.gateway.pid)"))
    browser.run("window.links = []; const link = document.querySelector('#link');"
                "new MutationObserver(() => links.push(link.textContent)).observe(link, { childList: true });")
    os.kill(before, signal.SIGKILL)
    browser.wait("links.some((text) => text !== 'live') && links.at(-1) === 'live'")
    # its token is another one; the page has it
    browser.click(act("chatty", "stop"))
    browser.wait(state("chatty", "STOPPED"))


def test_the_page_fits_a_phone(page, browser):
    browser.wait("document.querySelectorAll('tr.process').length === 5")
    for width in (1400, 900, 600, 360):
        browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 700)
        browser.wait("innerWidth === %d" % width)
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), width


# ---- without ----

def test_the_page_works_without_script(page, plain_browser):
    browser = plain_browser
    assert "web:web_00" in browser.text("#plain")
    browser.click("input[name=processname][value='web:web_01'] ~ button[value=stop]")
    assert "Process web:web_01 stopped" in browser.text(".message")
    assert "STOPPED" in browser.text("#plain")
    browser.click("input[name=processname][value='web:web_01'] ~ button[value=start]")
    assert "Process web:web_01 started" in browser.text(".message")
    browser.click("a[href='/tail.html?processname=web%3Aweb_00']")
    assert "<b>no markup</b>" in browser.text("pre.tail")


class Links(html.parser.HTMLParser):
    """Everything that a page would load or run."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            assert not name.startswith("on") and name != "style", "inline: %s" % name
            if name in ("src", "href", "action"):
                self.found.append(value)


def fetch(page, method, address, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=watching.LIMIT)
    connection.request(method, address, body, headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data.decode()


def test_nothing_comes_from_elsewhere(page):
    for address in ("/", "/tail.html?processname=chatty"):
        answer, text = fetch(page, "GET", address)
        for link in Links(text).found:
            assert link.startswith("/") and not link.startswith("//"), link
            if link.startswith("/page/"):
                file, _ = fetch(page, "GET", link)
                assert file.status == 200 and file.headers["ETag"]
                assert fetch(page, "GET", link, **{"If-None-Match": file.headers["ETag"]})[0].status == 304
    for address in ("/page/", "/page/nothing", "/page/../page.c", "/page/%2e%2e/x"):
        assert fetch(page, "GET", address)[0].status == 404


def test_a_browser_s_addresses_do_nothing(page):
    """What another site can make a browser ask for."""
    for headers in ({"User-Agent": "Mozilla/5.0"}, {"Referer": "http://elsewhere/"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        for method in ("GET", "POST"):
            answer, text = fetch(page, method, "/index.html?action=stopall", **headers)
            assert answer.status == 403 and "Nothing was done" in text
    assert set(page.status().values()) == {"RUNNING", "STOPPED"}
    answer, text = fetch(page, "GET", "/?message=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in text and "&#60;script&#62;" in text


def test_scripts_do_as_with_supervisor(page):
    answer, _ = fetch(page, "GET", "/index.html?processname=chatty&action=stop")
    assert answer.status == 301
    assert answer.headers["Location"] == "http://127.0.0.1:%d/?message=%s" % (page.port, urllib.parse.quote("Process chatty stopped"))
    answer, _ = fetch(page, "POST", "/index.html", "processname=chatty&action=start")
    assert answer.headers["Location"].endswith("Process%20chatty%20started")
    answer, _ = fetch(page, "GET", "/?processname=nobody&action=start")
    assert answer.headers["Location"].endswith("No%20such%20process%20named%20nobody")
    assert fetch(page, "GET", "/?action=explode")[0].status == 500
    assert fetch(page, "GET", "/tail.html")[1].count("No process name found") == 1
