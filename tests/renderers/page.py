#!/usr/bin/env python3
"""Drives a page of --html in headless Chromium: no errors, nothing blank, stored numbers under pointer and keys, offline.

Needs Chromium and Python's websockets; run it by hand, on a page with maps:
    losscape slice --html
    python3 tests/renderers/page.py out/slice/slice.html [DIRECTORY FOR SCREENSHOTS]
"""
import asyncio
import base64
import csv
import json
import math
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import urllib.request

import websockets

PAGE = pathlib.Path(sys.argv[1]).resolve()
SHOTS = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
CHROMIUM = os.environ.get("CHROMIUM", "chromium")


def numbers(array):
    if isinstance(array, list):
        return array
    data = base64.b64decode(array["f64"])
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def stored():
    """The numbers in the page, read as a script in any other language would."""
    text = PAGE.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))


class Browser:
    """One page in one process, by the DevTools protocol."""

    def __init__(self, *flags):
        self.work = tempfile.TemporaryDirectory()
        common = ["--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={self.work.name}/profile",
                  "--window-size=1400,1000", "--host-resolver-rules=MAP * ~NOTFOUND", "--no-first-run", "--disable-extensions"]
        self.process = subprocess.Popen([CHROMIUM, *common, *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.said, self.asked, self.dialogs, self.number = [], [], 0, 0

    async def __aenter__(self):
        port = pathlib.Path(self.work.name, "profile/DevToolsActivePort")
        for _ in range(300):
            if port.exists() and port.read_text().strip():
                break
            await asyncio.sleep(0.1)
        at = f"http://127.0.0.1:{port.read_text().split()[0]}/json"
        targets = json.load(urllib.request.urlopen(at))
        page = next(target for target in targets if target["type"] == "page")
        self.socket = await websockets.connect(page["webSocketDebuggerUrl"], max_size=None)
        for domain in ["Runtime", "Log", "Network", "Page"]:
            await self.call(f"{domain}.enable")
        await self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=self.work.name)
        return self

    async def __aexit__(self, *_):
        await self.socket.close()
        self.process.terminate()
        self.process.wait()
        self.work.cleanup()

    def hear(self, event):
        kind, what = event.get("method"), event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.said.append(what["exceptionDetails"].get("exception", {}).get("description", str(what)))
        if kind == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
            self.said.append(str(what["args"]))
        if kind == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning") and "GPU stall" not in what["entry"]["text"]:
            self.said.append(what["entry"]["text"])
        if kind == "Network.requestWillBeSent" and not what["request"]["url"].startswith(("file:", "blob:", "data:", "about:")):
            self.asked.append(what["request"]["url"])
        if kind == "Page.javascriptDialogOpening":
            self.dialogs += 1

    async def call(self, method, **parameters):
        self.number += 1
        own = self.number
        await self.socket.send(json.dumps({"id": own, "method": method, "params": parameters}))
        while True:
            answer = json.loads(await self.socket.recv())
            if answer.get("id") == own:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.hear(answer)

    async def js(self, text):
        answer = await self.call("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def open(self):
        await self.call("Page.navigate", url=PAGE.as_uri())
        for _ in range(100):
            if await self.js("document.readyState === 'complete' && !document.querySelector('figure .picture:empty')"):
                break
            await asyncio.sleep(0.1)
        await self.frame()

    async def frame(self):
        await self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    async def key(self, name, times=1):
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                await self.call("Input.dispatchKeyEvent", type=kind, key=name)
        await self.frame()

    async def pointer(self, place, kind="mouseMoved", **more):
        await self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], **more)
        await self.frame()

    async def rect(self, name):
        return await self.js(f"(() => {{ const r = document.getElementById('{name}').getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; }})()")

    async def colors(self, name):
        """How many colours a canvas shows, read back from its own picture."""
        return await self.js(f"""new Promise((done) => {{ const picture = new Image(); picture.onload = () => {{
            const copy = document.createElement('canvas'); [copy.width, copy.height] = [picture.width, picture.height];
            const to = copy.getContext('2d'); to.drawImage(picture, 0, 0);
            done(new Set(new Uint32Array(to.getImageData(0, 0, copy.width, copy.height).data.buffer)).size); }};
            picture.src = document.getElementById('{name}').toDataURL(); }})""")

    async def looks(self, name):
        return await self.js(f"document.getElementById('{name}').toDataURL()")

    async def reading(self):
        return await self.js("document.getElementById('reading').textContent")

    async def shot(self, name):
        if SHOTS:
            size = await self.js("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
            clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], 2600), "scale": 1}
            picture = await self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
            SHOTS.mkdir(parents=True, exist_ok=True)
            (SHOTS / f"{name}.png").write_bytes(base64.b64decode(picture["data"]))


def in_grid(text, figure):
    """The reading is a node's stored value, to the last digit."""
    found = re.search(r"x = (\S+), y = (\S+), .* = (.+)$", text)
    assert found, text
    x, y = float(found.group(1)), float(found.group(2))
    for panel in figure["panels"]:
        for grid in panel["grids"]:
            xs, ys, values = (numbers(grid[name]) for name in ("x", "y", "values"))
            if x in xs and y in ys and (not panel["title"] or text.startswith(panel["title"])):
                value = values[ys.index(y) * len(xs) + xs.index(x)]
                said = math.nan if found.group(3) == "not finite" else float(found.group(3))
                if value == said or not math.isfinite(value) and math.isnan(said):
                    return x, y
    raise AssertionError(f"{text} is not stored")


async def visible(browser, chosen):
    return await browser.js(f"[...document.querySelectorAll({chosen!r})].some((e) => e.getClientRects().length > 0)")


async def main():
    data = stored()
    maps = [figure for figure in data["figures"] if figure["scale"]]
    assert maps, "the page has no maps"
    software = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    async with Browser(*software) as browser:
        await browser.open()
        assert await browser.js("!document.getElementById('surface-view').hidden"), "no WebGL in this browser"
        for name in ("surface", "map", "cut"):
            count = await browser.colors(name)
            assert count > (100 if name != "cut" else 5), f"{name} shows {count} colours"
        await browser.shot("light")
        # The pointer reads stored numbers, on the map and on the surface.
        for name, places in (("map", [(0.3, 0.3), (0.5, 0.62)]), ("surface", [(0.5, 0.45), (0.42, 0.5)])):
            seen = set()
            for part in places:
                left, top, width, height = await browser.rect(name)
                columns = 1 if len(maps[0]["panels"]) == 1 or maps[0]["stack"] else 3
                await browser.pointer((left + part[0] * width / columns, top + part[1] * min(height, width / columns)))
                seen.add(in_grid(await browser.reading(), maps[0]))
            assert len(seen) == 2, f"{name}: {seen}"
        # The pointer and keys turn the surface, and nothing else does.
        still = await browser.looks("surface")
        left, top, width, height = await browser.rect("surface")
        middle = (left + width / 2, top + height / 2)
        await browser.pointer(middle, "mousePressed", button="left", buttons=1, clickCount=1)
        await browser.pointer((middle[0] + 40, middle[1] + 10), buttons=1, button="left")
        await browser.pointer((middle[0] + 40, middle[1] + 10), "mouseReleased", button="left", clickCount=1)
        dragged = await browser.looks("surface")
        assert dragged != still, "dragging turns nothing"
        await browser.js("document.getElementById('surface').focus()")
        for key in ("ArrowLeft", "ArrowUp", "+"):
            before = await browser.looks("surface")
            await browser.key(key)
            assert await browser.looks("surface") != before, f"{key} turns nothing"
        await browser.key("Home")
        await browser.key("ArrowLeft", 2)
        turned = await browser.looks("surface")
        await browser.key("ArrowRight", 2)
        assert turned != await browser.looks("surface")
        # The point walks by keys, one node a step.
        await browser.js("document.getElementById('map').focus()")
        await browser.key("Home")
        first = in_grid(await browser.reading(), maps[0])
        await browser.key("ArrowRight")
        await browser.key("ArrowUp", 2)
        second = in_grid(await browser.reading(), maps[0])
        assert second[0] > first[0] and second[1] > first[1], (first, second)
        # Every map, every cut of a volume.
        for k, figure in enumerate(maps):
            await browser.js(f"(() => {{ const c = document.getElementById('map-choice'); c.value = {k}; c.dispatchEvent(new Event('change')); }})()")
            await browser.frame()
            in_grid(await browser.reading(), figure)
            assert await browser.colors("surface") > 50, figure["name"]
            if figure["stack"]:
                before = await browser.looks("map")
                await browser.js("document.getElementById('cut-at').focus()")
                await browser.js("(() => { const c = document.getElementById('cut-at'); c.value = c.value === c.max ? 0 : c.max; c.dispatchEvent(new Event('input')); })()")
                await browser.frame()
                assert await browser.looks("map") != before, "the slider moves nothing"
        await browser.js("(() => { const c = document.getElementById('map-choice'); c.value = 0; c.dispatchEvent(new Event('change')); })()")
        # Table and file of the map hold every value.
        await browser.js("document.getElementById('table').open = true")
        await browser.frame()
        cells = await browser.js("document.querySelectorAll('#table td').length")
        panel = maps[0]["panels"][0]["grids"][0]
        assert cells == len(numbers(panel["values"])), cells
        await browser.js("document.getElementById('table').open = false; document.getElementById('csv').click()")
        saved = pathlib.Path(browser.work.name, f"{data['stem']}-{maps[0]['name']}.csv")
        for _ in range(50):
            if saved.exists():
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)
        rows = [row for row in csv.reader(saved.open(encoding="utf-8")) if len(row) == 4][1:]
        values = [value for panel in maps[0]["panels"] for grid in panel["grids"] for value in numbers(grid["values"])]
        assert [float(row[3]) for row in rows] == values or any(map(math.isnan, values)), "the file has other numbers"
        # Dark, calm, on paper.
        await browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        await browser.frame()
        dark = await browser.js("getComputedStyle(document.body).backgroundColor")
        assert dark == "rgb(21, 23, 28)", dark
        await browser.shot("dark")
        await browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        before = await browser.looks("surface")
        await browser.js("document.getElementById('turn').click()")
        await browser.frame()
        once = await browser.looks("surface")
        await asyncio.sleep(0.3)
        assert before != once and once == await browser.looks("surface"), "a calm page turns on"
        await browser.call("Emulation.setEmulatedMedia", media="print", features=[])
        await browser.frame()
        assert not await visible(browser, "#stage") and await visible(browser, "figure.chosen svg"), "what is printed"
        printed = base64.b64decode((await browser.call("Page.printToPDF"))["data"])
        assert printed.startswith(b"%PDF") and len(printed) > 10_000
        if SHOTS:
            (SHOTS / "print.pdf").write_bytes(printed)
        assert not browser.said, browser.said
        assert not browser.asked, browser.asked
        assert not browser.dialogs, "words of a figure were run"
        assert not await browser.js("Boolean(window.hacked)")
    async with Browser("--disable-gpu", "--disable-3d-apis") as browser:
        await browser.open()
        assert await visible(browser, "#no-webgl") and not await visible(browser, "#surface")
        assert await visible(browser, "figure.chosen svg"), "no flat picture"
        assert await browser.colors("map") > 100
        in_grid(await browser.reading(), maps[0])
        await browser.shot("no-webgl")
        said = [words for words in browser.said if "WebGL" not in words]
        assert not said, said
    print(f"{PAGE.name}: {len(maps)} maps, {PAGE.stat().st_size // 1000} KB; pointer, keys, table, file, dark, print and no WebGL hold")


asyncio.run(main())
