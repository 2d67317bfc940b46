"""The rendered HTML in a real browser that reaches nothing but this machine."""

import contextlib
import re
from urllib.parse import unquote, urlsplit

import pages
import pytest
import site_browser
from axe_playwright_python.sync_playwright import Axe

BOOK = pages.load_book()
CHAPTERS = [page for page in BOOK if page.kind in ("theory", "lab")]
THEMES = ("light", "dark")
WIDTHS = (390, 768, 1280)
MAX_BYTES = 1_200_000
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        site_browser.CHROMIUM is None,
        reason="needs Chromium: install the system's package chromium",
    ),
]


@contextlib.contextmanager
def new_tab(browser, address, path, **settings):
    """Open a page; nothing that it asks of another machine is answered."""
    settings = {"viewport": {"width": 1280, "height": 900}, **settings}
    context = browser.new_context(**settings)
    tab = context.new_page()
    tab.refused, tab.troubles = [], []

    def only_this_machine(route):
        if route.request.url.startswith((address, "data:", "blob:", "file:")):
            route.continue_()
        else:
            tab.refused.append(route.request.url)
            route.abort()

    def listen(said):
        if said.type == "error":
            tab.troubles.append(said.text)

    tab.route("**/*", only_this_machine)
    tab.on("console", listen)
    tab.on("pageerror", lambda error: tab.troubles.append(str(error)))
    tab.goto(path if "://" in path else f"{address}/{path}")
    site_browser.typeset(tab)
    yield tab
    context.close()


@pytest.fixture
def open_tab(browser, address):
    """Opens pages for one test."""
    with contextlib.ExitStack() as stack:
        yield lambda path, **settings: stack.enter_context(
            new_tab(browser, address, path, **settings)
        )


@pytest.fixture(scope="module", params=BOOK, ids=lambda page: page.address)
def opened(request, browser, address):
    """A page of the book and a tab that shows it, for all tests that only look."""
    page = request.param
    with new_tab(browser, address, f"book/{page.address}.html") as tab:
        site_browser.scroll_through(tab)
        yield page, tab


@pytest.fixture
def tab(opened):
    """The page on a wide screen in the light theme."""
    look(opened[1], width=1280, theme="light", media="screen")
    return opened[1]


def look(tab, width, theme, media="screen"):
    """Change how a page is looked at, and go to its top."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(media=media)
    tab.evaluate(
        "theme => { document.documentElement.dataset.theme = theme; scrollTo(0, 0); }",
        theme,
    )
    tab.wait_for_timeout(400)  # the theme marks what can be scrolled 300 ms later


def serious_violations(tab, where=None):
    """What axe-core finds that keeps some readers out."""
    options = {"resultTypes": ["violations"]}
    found = Axe().run(tab, context=where, options=options).response
    assert found["passes"]
    return [
        (rule["id"], [node["target"] for node in rule["nodes"]][:5])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]


def test_mathematics_and_pictures_show_without_a_network(tab):
    formulas = tab.locator("main .math").count()
    assert tab.locator("mjx-container").count() >= formulas
    assert tab.locator("mjx-merror").count() == 0
    assert tab.evaluate(
        "[...document.querySelectorAll('main img')].every("
        "image => image.complete && image.naturalWidth > 0 && image.alt)"
    )
    assert not tab.refused and not tab.troubles, (tab.refused, tab.troubles)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(width, tab):
    look(tab, width, "light")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    # Nor cut off, except inside what scrolls; and nothing begins left of its box.
    cut = tab.evaluate("""() => {
        const scrolls = e => e && (/auto|scroll/.test(getComputedStyle(e).overflowX)
            || scrolls(e.parentElement));
        const wide = [...document.querySelectorAll('article *')].filter(
            e => e.checkVisibility() && !e.closest('mjx-assistive-mml')
                && e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e));
        const left = [...document.querySelectorAll('div.math')].filter(
            e => e.querySelector('mjx-container')?.getBoundingClientRect().left
                < e.getBoundingClientRect().left - 1);
        return [...wide, ...left].map(e => e.outerHTML.slice(0, 100));
    }""")
    assert not cut
    # What scrolls inside itself shows it.
    shown = tab.evaluate("""() => {
        const boxes = [...document.querySelectorAll('article pre, div.math')];
        return boxes.filter(e => e.checkVisibility()).every(
            e => e.classList.contains('wide') === e.scrollWidth > e.clientWidth + 1);
    }""")
    assert shown


def test_code_of_88_characters_fits_a_wide_window(tab):
    assert tab.evaluate(
        "[...document.querySelectorAll('.cell_input pre')].every("
        "code => code.scrollWidth <= code.clientWidth)"
    )


def test_every_icon_of_the_frame_is_drawn(tab):
    missing = tab.evaluate("""() => {
        const icons = [...document.querySelectorAll('[class*="fa-"]')];
        return icons.filter(icon => {
            const look = getComputedStyle(icon);
            return !look.maskImage.startsWith('url(') || parseFloat(look.width) < 8;
        }).map(icon => icon.className);
    }""")
    assert not missing
    tab.emulate_media(forced_colors="active")
    grounds = tab.evaluate(
        "[...document.querySelectorAll('.fa-bars')].map("
        "icon => getComputedStyle(icon).backgroundColor"
        " !== getComputedStyle(document.body).backgroundColor)"
    )
    tab.emulate_media(forced_colors="none")
    assert grounds and all(grounds)


@pytest.mark.parametrize("width, theme", ((1280, "light"), (390, "dark")))
def test_axe_finds_no_serious_violation(width, theme, tab):
    look(tab, width, theme)
    assert not serious_violations(tab, {"exclude": [[".highlight"]]})


@pytest.mark.parametrize("theme", THEMES)
def test_tables_of_cells_stand_on_the_ground_of_the_page(theme, tab):
    look(tab, 390, theme)  # where the scoreboard is wider than its place
    page, grounds = tab.evaluate("""() => {
        const ground = e => getComputedStyle(e).backgroundColor;
        const outputs = [...document.querySelectorAll('.cell_output .text_html')];
        return [ground(document.body), outputs.map(ground)];
    }""")
    assert set(grounds) <= {"rgba(0, 0, 0, 0)", page}


@pytest.mark.parametrize("theme", THEMES)
def test_code_is_legible(theme, open_tab):
    # On one page for all: axe takes long for thousands of words in a few colours.
    tab = open_tab(f"book/{CHAPTERS[0].address}.html")
    look(tab, 1280, theme)
    assert not serious_violations(tab, {"include": [[".highlight"]]})


@pytest.mark.parametrize("theme", THEMES)
def test_a_page_prints_on_clean_paper(theme, tab):
    look(tab, 700, theme, media="print")
    frame = (
        ".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, "
        ".prev-next-footer, .headerlink, .copybtn, #pst-header, "
        ".toggle-button, "
        "details.above-input > summary, .bd-footer-content"
    )
    seen = tab.evaluate(
        "frame => [...document.querySelectorAll(frame)]"
        ".filter(e => e.checkVisibility()).map(e => e.className)",
        frame,
    )
    assert not seen
    assert tab.locator("article h1").is_visible()
    hints = tab.locator("details.sd-dropdown .sd-summary-content").all()
    assert all(hint.bounding_box()["height"] > 5 for hint in hints)
    colors = tab.evaluate("""() => {
        const page = getComputedStyle(document.body);
        const text = getComputedStyle(document.querySelector('article p'));
        return [page.backgroundColor, text.color];
    }""")
    assert colors == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    cut = tab.evaluate(
        "[...document.querySelectorAll('article pre')].filter("
        "e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).length"
    )
    assert cut == 0
    pictures = tab.evaluate(
        "[...document.querySelectorAll('article img')].map(getComputedStyle)"
        ".map(look => look.filter + ' ' + look.mixBlendMode)"
    )
    assert set(pictures) <= {"none normal"}
    if theme == "dark":
        words = tab.evaluate(
            "[...document.querySelectorAll('.highlight span')].slice(0, 300)"
            ".map(word => getComputedStyle(word).color)"
        )
        assert set(words) <= {"rgb(0, 0, 0)"}
    assert tab.pdf(format="A4").startswith(b"%PDF")


def test_a_page_is_light(opened, address, browser):
    page, _ = opened
    sizes = site_browser.weigh(browser, f"{address}/book/{page.address}.html")
    files = sizes["bytes_by_file"]
    assert not [name for name in files if "fontawesome" in name]
    heaviest = sorted(files.items(), key=lambda item: -item[1])[:5]
    assert sum(files.values()) <= MAX_BYTES, heaviest


def test_search_finds_the_terms_of_every_chapter(open_tab):
    tab = open_tab("search.html")
    for page in CHAPTERS:
        # A term is in bold where it is defined; the head box's labels begin with "You".
        terms = re.findall(r"\*\*((?!You |It )\w+(?:[ -]\w+)*)\*\*", page.markdown)
        term = terms[0]
        tab.locator("form.bd-search input[name=q]").last.fill(term)
        tab.keyboard.press("Enter")
        hit = tab.locator(f"#search-results a[href*='{page.address}.html']").first
        hit.wait_for(timeout=20_000)
    hit.click()
    tab.wait_for_url(f"**/{page.address}.html*")
    assert tab.locator("span.highlighted").count()


def test_search_shows_words_not_tex_and_each_page_once(open_tab):
    title = CHAPTERS[-1].title
    tab = open_tab(f"search.html?q={title} learning rate steps")
    tab.locator("#search-results li p.context").first.wait_for(timeout=20_000)
    tab.wait_for_function("document.querySelector('p.search-summary').innerText")
    found = tab.locator("#search-results").inner_text()
    assert found.count(title) and f"{title} > {title}" not in found
    assert "\\(" not in found and "\\[" not in found


def test_search_opens_from_any_page_by_keyboard(open_tab):
    tab = open_tab(f"book/{CHAPTERS[0].address}.html")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("bootstrap")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?q=bootstrap*")
    tab.locator("#search-results li a").first.wait_for(timeout=20_000)


def test_every_page_leads_to_the_next_and_back(open_tab):
    tab = open_tab(f"book/{BOOK[0].address}.html")
    order = [tab.url]
    while tab.locator("a.right-next").count():
        tab.locator("a.right-next").click()
        tab.locator("a.left-prev").wait_for()
        order.append(tab.url)
    assert len(order) == len(BOOK)
    for url in reversed(order[:-1]):
        tab.locator("a.left-prev").click()
        tab.wait_for_url(url)


def test_contents_and_references_lead_to_what_they_name(opened, tab):
    page, _ = opened
    for link in tab.locator("#pst-page-toc-nav > ul > li > a").all()[1:2]:
        link.click()
        heading = tab.locator(f"[id='{unquote(urlsplit(tab.url).fragment)}'] > h2")
        bar = tab.locator(".bd-header-article").bounding_box()
        assert bar["height"] <= heading.bounding_box()["y"] < 200
    numbers = {f"({number + 1})" for number in range(len(page.equations))}
    shown = tab.locator("a.reference.internal[href*='#equation-eq-']")
    assert set(shown.all_text_contents()) <= numbers
    assert shown.count() >= bool(numbers)
    figures = tab.locator("a.reference.internal[href*='#fig-']").all_text_contents()
    assert len(figures) >= len(page.figures)
    assert all(re.fullmatch(r"Fig\. \d+(\.\d+)?", text) for text in figures)


def test_a_claim_has_an_address_of_its_own(opened, tab):
    page, _ = opened
    bar = tab.locator(".bd-header-article").bounding_box()
    for claim in page.claims[:1]:
        tab.evaluate("name => { location.hash = 'claim-' + name; }", claim["name"])
        tab.wait_for_timeout(300)
        box = tab.locator(f"#claim-{claim['name']}").bounding_box()
        assert bar["height"] <= box["y"] < 200


def test_solutions_and_code_unfold_by_keyboard(opened, tab):
    page, _ = opened
    for solution in tab.locator(".solution").all()[: bool(page.exercises)]:
        body = solution.locator("section").first
        assert not body.is_visible()
        solution.locator("button.toggle-button").focus()
        tab.keyboard.press("Enter")
        tab.wait_for_timeout(500)
        assert body.is_visible()
    for folded in tab.locator("details.above-input").all()[:1]:
        assert not folded.locator("pre").is_visible()
        folded.locator("summary").focus()
        tab.keyboard.press("Enter")
        assert folded.locator("pre").is_visible()


def test_copy_buttons_copy_code_without_prompts(open_tab, address):
    tab = open_tab(f"book/{CHAPTERS[-1].address}.html")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    for block in (".cell_input .highlight", ".page-head .highlight"):
        code = tab.locator(block).first
        code.hover()
        code.locator("button.copybtn").click()
        copied = tab.evaluate("navigator.clipboard.readText()")
        shown = code.locator("pre").inner_text()
        assert copied.strip() == shown.strip() and len(copied) > 20
    # A prompt, where a page shows one, stays behind.
    code = tab.locator(".cell_input .highlight").first
    code.locator("pre").evaluate(
        """pre => pre.insertAdjacentHTML('afterbegin', '<span class="gp">$ </span>')"""
    )
    code.hover()
    code.locator("button.copybtn").click()
    assert "$" not in tab.evaluate("navigator.clipboard.readText()")


def test_keyboard_alone_reaches_everything_and_shows_where_it_is(open_tab):
    longest = max(CHAPTERS, key=lambda page: len(page.cells))
    tab = open_tab(f"book/{longest.address}.html")
    wanted = tab.evaluate("""() => {
        const kinds = 'a[href], button, summary, input, [tabindex="0"]';
        const all = [...document.querySelectorAll(kinds)].filter(
            e => e.checkVisibility({visibilityProperty: true}) && e.tabIndex >= 0
                && !e.disabled && !e.closest('dialog:not([open])'));
        all.forEach((element, number) => { element.dataset.wanted = number; });
        return all.length;
    }""")
    reached, unmarked = set(), []
    for _ in range(wanted + 20):
        tab.keyboard.press("Tab")
        number, marked, name = tab.evaluate("""() => {
            const at = document.activeElement, style = getComputedStyle(at);
            return [at.dataset.wanted, style.outlineStyle !== 'none'
                && parseFloat(style.outlineWidth) >= 1, at.outerHTML.slice(0, 120)];
        }""")
        if number is not None:
            reached.add(int(number))
            if not marked:
                unmarked.append(name)
    missed = sorted(set(range(wanted)) - reached)
    names = [
        tab.locator(f"[data-wanted='{number}']").evaluate("e => e.outerHTML")[:120]
        for number in missed[:5]
    ]
    assert not missed, names
    assert not unmarked


def test_reduced_motion_is_respected(open_tab):
    tab = open_tab(f"book/{CHAPTERS[0].address}.html", reduced_motion="reduce")
    longest = tab.evaluate(
        "Math.max(...[...document.querySelectorAll('*')].map(element =>"
        " Math.max(parseFloat(getComputedStyle(element).transitionDuration),"
        " parseFloat(getComputedStyle(element).animationDuration))))"
    )
    assert longest < 0.01
    scroll = tab.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
    assert scroll == "auto"


@pytest.mark.parametrize("path", ("nowhere.html", "book/a/b/%E0%A4%A.html"))
def test_an_address_that_leads_nowhere_leads_back(path, open_tab, address):
    tab = open_tab(path)
    assert tab.locator("h1").inner_text() == "There is no page at this address"
    links = tab.locator("a").evaluate_all("links => links.map(link => link.href)")
    known = {f"{address}/book/{page.address}.html" for page in BOOK}
    assert known == set(links)
    assert tab.locator("input[name=q]").input_value() == ""
    tab.locator("input[name=q]").fill("gradient")
    tab.locator("button").click()
    tab.wait_for_url(f"{address}/search.html?q=gradient")
    tab.locator("#search-results li a").first.wait_for(timeout=20_000)
    assert not serious_violations(open_tab(path))


def test_a_page_opened_from_a_folder_works_as_well(open_tab, site):
    page = CHAPTERS[-1]
    tab = open_tab((site / "book" / f"{page.address}.html").as_uri())
    assert tab.locator("mjx-container").count() >= tab.locator("main .math").count()
    assert tab.locator("mjx-merror").count() == 0
    assert tab.evaluate(
        "[...document.querySelectorAll('main img')].every(i => i.naturalWidth > 0)"
    )
    assert tab.evaluate("document.fonts.check('16px \"Source Serif 4\"')")
    line = tab.locator(".page-head .install pre").inner_text()
    assert re.search(r'@ file:///.*\.whl"', line)
    assert not tab.refused and not tab.troubles, (tab.refused, tab.troubles)
    tab.goto((site / "search.html").as_uri() + "?q=learning+rate")
    tab.locator("#search-results li a").first.wait_for(timeout=20_000)
    tab.wait_for_timeout(500)
    assert not tab.troubles, tab.troubles


def test_mathematics_survives_clicks_and_settings_of_other_sites(open_tab):
    tab = open_tab(f"book/{CHAPTERS[-1].address}.html")
    tab.locator("mjx-container").first.dispatch_event("contextmenu")
    assert tab.locator("[class*=CtxtMenu]").count() == 0
    tab.evaluate("""() => {
        const other = {renderer: 'SVG', explorer: true, assistiveMml: false};
        localStorage.setItem('MathJax-Menu-Settings', JSON.stringify(other));
    }""")
    tab.reload()
    site_browser.typeset(tab)
    assert tab.locator("mjx-container").count() >= tab.locator("main .math").count()
    assert not tab.troubles, tab.troubles


def test_mathematics_may_use_commands_that_are_loaded_late(open_tab):
    tab = open_tab(f"book/{CHAPTERS[-1].address}.html")
    tab.evaluate("""async () => {
        const line = document.createElement('p');
        line.textContent = '\\\\(\\\\boldsymbol{\\\\theta} + \\\\cancel{x}\\\\)';
        document.querySelector('article').append(line);
        await MathJax.typesetPromise([line]);
        line.id = 'late';
    }""")
    assert tab.locator("#late mjx-container").count() == 1
    assert tab.locator("#late mjx-merror").count() == 0 and not tab.troubles


def test_on_a_phone_chapters_and_contents_close_when_followed(open_tab):
    phone = {"width": 390, "height": 800}
    tab = open_tab(f"book/{CHAPTERS[-1].address}.html", viewport=phone)
    tab.locator("button.secondary-toggle").click()
    contents = tab.get_by_role("dialog", name="Contents")
    assert not serious_violations(tab, {"include": [["dialog[open]"]]})
    contents.locator("nav a").nth(1).click()
    assert not contents.is_visible() and "#" in tab.url
    tab.locator("button.primary-toggle").click()
    chapters = tab.get_by_role("dialog", name="Chapters")
    assert chapters.is_visible()
    tab.keyboard.press("Escape")
    tab.wait_for_timeout(300)
    assert not chapters.is_visible()
    held = "document.activeElement.classList.contains('primary-toggle')"
    assert tab.evaluate(held)


def test_the_search_page_is_open_to_all(open_tab):
    for theme in THEMES:
        tab = open_tab("search.html?q=rate", color_scheme=theme)
        tab.locator("#search-results li a").first.wait_for(timeout=20_000)
        assert not tab.refused and not tab.troubles, (tab.refused, tab.troubles)
        assert not serious_violations(tab)
