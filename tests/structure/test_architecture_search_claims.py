"""Wrong methods planted in the chapter on architecture search, which must not pass."""

import planted

PAGE = "book/structure/architecture-search.ipynb"
EVOLVED = "(evolve, population_size=20, sample_size=5)"
DRIFT = "found_by_drift = finds(evolve, population_size=20, sample_size="
FROM = "(architecture-search-scratch)="  # what the table rests on
SEARCH = "The limit is that of the authors"
CURSE = "**The winner's score is too good.**"

PLANTED = [
    # A space without one of its names; spread and best in place of others.
    ("nets-in-space", {"Space(SMALL_NETS).size": "Space(SMALL_NETS).size // 5"}, None),
    ("net-spread", {"np.ptp(": "np.std("}, None),
    ("best-over-median", {'["random"].max(axis=1)': '["random"].mean(axis=1)'}, None),
    # The fastest net of all for the authors'; descriptions in place of nets.
    (
        "beat-authors-early",
        {'np.mean(timed["published_values"])': '0.1 * max(timed["published_values"])'},
        None,
    ),
    (
        "nets-different",
        {"str((plan, net": "str((net, plan, net"},
        "(architecture-search-use)=",
    ),
    # The union bound in place of the probability; rungs of another factor.
    (
        "trials-needed",
        {"np.log(0.05) / np.log(0.95)": "0.95 / 0.05"},
        "(architecture-search-derivation)=",
    ),
    (
        "halving-more",
        {"reduction_factor=3": "reduction_factor=2"},
        "(architecture-search-derivation)=",
    ),
    # The youngest dies; the worst is parent; a smaller sample.
    (
        "scratch-equals-package",
        {"population.append((": "population.pop(); population.append(("},
        FROM,
    ),
    ("scratch-equals-package", {"_, parent = max(": "_, parent = min("}, FROM),
    (
        "scratch-equals-package",
        {"score, 100, 1, 20, 5)": "score, 100, 1, 20, 4)"},
        FROM,
    ),
    (
        "bits-reached",
        {'run["evolved_ones"]': 'run["random_ones"]'},
        "On the strings of bits the gap",
    ),
    (
        "bits-gap",
        {"np.mean(evolved_ones": "np.mean(random_ones"},
        "On the strings of bits the gap",
    ),
    # Other nets in the place of those that were found; random nets for children.
    (
        "children-better",
        {'tried["evolved"][:, 12:]': 'tried["random"][:, 12:]'},
        SEARCH,
    ),
    ("score-scatter", {"np.var([*v], ddof=1)": "np.var([*v, 0.1])"}, SEARCH),
    ("found-over-signals", {"p * (1 - p)": "p * (1 - p) / 9"}, SEARCH),
    ("found-over-median", {'means["random"] - means["median"]': "0"}, SEARCH),
    (
        "recipe-share",
        {'(100 - means["published"]) / 6': '(100 - means["published"]) / 3'},
        SEARCH,
    ),
    ("found-share", {'(100 - means["random"])': '(100 - means["median"])'}, SEARCH),
    ("evolution-gain", {'best_so_far["random"][:, -1]': "0"}, SEARCH),
    ("found-test", {'means["random"]': 'means["median"]'}, SEARCH),
    ("evolved-test", {'means["evolved"]': 'means["median"]'}, SEARCH),
    ("median-test", {'means["median"]': 'means["evolved"]'}, SEARCH),
    ("small-test", {'["small_random"]': '["small_evolved"]'}, SEARCH),
    (
        "found-over-published",
        {'- tested("published")': '- tested("evolved")'},
        SEARCH,
    ),
    # No net is as good as another; the median in place of the fastest.
    (
        "dominated",
        {"(accuracy >= accuracy[k]) &": "(accuracy < 0) &"},
        "The space of the beginning, as data:",
    ),
    (
        "latency-ratio",
        {"latency.max() / latency.min()": "latency.max() / np.median(latency)"},
        "The space of the beginning, as data:",
    ),
    (
        "twins-differ",
        {"network(*net.values()), [])": "0, [])"},
        "The space of the beginning, as data:",
    ),
    # Nothing is stopped early; what is learned late is not late.
    ("halving-gain", {"max_resource=27)": "min_resource=27, max_resource=27)"}, FROM),
    ("halving-loss", {"8 * np.maximum(true, 0)": "0 * true"}, FROM),
    # One net in place of the best; one net in place of 28 in the bound.
    ("curse", {"measured.max(axis=1)": "measured[:, 0]"}, CURSE),
    ("curse", {"np.sqrt(2 * np.log(28))": "1"}, CURSE),
    ("knobs-reach", {"line.argmax()": "line.argmin()"}, FROM),
    ("knobs-trials", {"trials += 4": "trials += 25"}, FROM),
    # A journal that is not read; a search of another length.
    (
        "resumed-trials",
        {"counted, budget=30, seed=3, journal=path": "counted, budget=30, seed=3"},
        FROM,
    ),
    (
        "resumed-equals",
        {"counted, budget=30, seed=3, journal=path": "counted, budget=29, seed=3"},
        FROM,
    ),
    ("trial-overhead", {'run["evolve_plain_ms"]': "9"}, "What does the engine add?"),
    (
        "two-workers",
        {'run["two_workers_efficiency"]': "0.5"},
        "What does the engine add?",
    ),
]

WHO_DIES = "Is it age that does it?"
DEAR = [
    ("random-finds", {"np.quantile(table, 0.99)": "np.quantile(table, 0.95)"}),
    ("evolution-finds", {EVOLVED: "(evolve, population_size=20, sample_size=1)"}),
    ("drift-finds", {f"{DRIFT}1": f"{DRIFT}5"}),
]


@planted.each(PLANTED, ("name", "replacing", "after"))
def test_planted_fault_is_refused(name, replacing, after):
    planted.check_refused(PAGE, name, replacing, after=after)


@planted.each(
    [
        ("oldest-dies", {"np.subtract(*ages)": "np.subtract(*ages[::-1])"}),
        ("oldest-dies", {'dead = birth % size if who_dies == "oldest" else': "dead ="}),
        ("oldest-dies-quiet", {"age_gains(noise) for": "age_gains(0.05) for"}),
    ]
)
def test_planted_fault_in_the_toy_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing, after=WHO_DIES, skip_tags=())


@planted.each(DEAR)
def test_planted_fault_in_the_searches_is_refused(name, replacing):
    fewer = {"seeds=150": "seeds=60", **replacing}
    planted.check_refused(PAGE, name, fewer, after=FROM, skip_tags=())
