"""The words of the demo calls and proposals."""

from dataclasses import dataclass, field

from allocations.accounts.projects import ProjectRole


@dataclass(frozen=True, slots=True)
class Text:
    """A call; days are counted from today."""

    title: str
    lane: str
    summary: str
    opens: int
    closes: int
    pools: dict[str, int]


@dataclass(frozen=True, slots=True)
class ProposalText:
    pi: str
    title: str
    abstract: str
    fields: tuple[str, ...]
    keywords: str
    merit: str
    plan: str
    data_plan: str
    asks: tuple[tuple[str, int, str], ...]
    starts_after: int = 30
    datasets: tuple[tuple[str, str], ...] = ()
    team: tuple[tuple[str, ProjectRole], ...] = field(default=())


RUBRIC = (
    (
        "Scientific merit",
        50,
        (
            "No clear question",
            "A question of small interest",
            "A good question, answered in part",
            "An important question, well set out",
            "Would change its field",
        ),
    ),
    (
        "Computational plan",
        30,
        (
            "The plan cannot work",
            "Large gaps",
            "Works, with open points",
            "Sound and efficient",
            "Exemplary; others can learn from it",
        ),
    ),
    (
        "Need for these resources",
        20,
        (
            "Can be done on a desk",
            "Smaller machines would do",
            "These machines help",
            "Hard to do elsewhere",
            "Impossible without them",
        ),
    ),
)

CALLS = {
    "autumn": Text(
        "AI for Science, first round",
        "standard",
        "For projects that train, fine-tune or study models for a scientific question. Any field.",
        opens=-90,
        closes=-76,
        pools={"h100": 6000, "a100": 8000},
    ),
    "open": Text(
        "AI for Science, second round",
        "standard",
        "For projects that train, fine-tune or study models for a scientific question. Any field.\n\n"
        "Two reviewers read each proposal; the panel meets two weeks after the call has closed.",
        opens=-20,
        closes=25,
        pools={"h100": 12000, "a100": 20000, "storage": 20000},
    ),
    "starter": Text(
        "Starter allocations",
        "starter",
        "Small amounts to try things out: the first model, a pilot, the numbers for a larger proposal.",
        opens=-60,
        closes=120,
        pools={"l4": 4000, "a100": 2000},
    ),
    "upcoming": Text(
        "Open foundation models",
        "large",
        "For consortia that train models in the open, and release weights, data recipe and logs.",
        opens=30,
        closes=75,
        pools={"h100": 40000},
    ),
    "draft": Text(
        "Courses, summer term",
        "classroom",
        "For courses with hands-on exercises. One award a course.",
        opens=40,
        closes=80,
        pools={"l4": 3000},
    ),
}

WEATHER_USE = "To train and to verify forecasts against station readings."
PROPOSALS = {
    "weather": ProposalText(
        pi="priya",
        title="Learned local weather forecasts for mountain valleys",
        abstract="We train graph networks on station readings and terrain, to forecast frost and fog in valleys.",
        fields=("Earth and environmental sciences", "Computer and information sciences"),
        keywords="weather, graph networks, downscaling",
        merit="Frost in valleys is missed by models with a coarse grid. A learned local model closes the gap.",
        plan="Four training runs of 200 GPU-hours each, an ablation of 400, and inference for one winter.",
        data_plan="Station readings stay in the commons. Weights and code are published with the paper.",
        asks=(("h100", 1500, "Training with two-day sequences needs 80 GB cards."),),
        starts_after=25,
        datasets=(("weather-stations", WEATHER_USE),),
        team=(("carlos", ProjectRole.CO_PI), ("uma", ProjectRole.USER)),
    ),
    "poetry": ProposalText(
        pi="sam",
        title="Metre and rhyme in ten thousand poems",
        abstract="We mark metre and rhyme in a corpus of poems with a small language model.",
        fields=("Languages and literature",),
        keywords="poetry, tagging",
        merit="No corpus of this size has been marked for metre.",
        plan="Fine-tuning of a small model, then tagging of the corpus.",
        data_plan="The corpus is in the public domain.",
        asks=(("a100", 900, "Fine-tuning and tagging."),),
    ),
    "proteins": ProposalText(
        pi="mei",
        title="Designing enzymes that break down plastics",
        abstract="We fine-tune a protein language model on measured activity, and test its designs in the laboratory.",
        fields=("Biological sciences", "Chemical sciences"),
        keywords="protein design, enzymes, language models",
        merit="Enzymes that work at low temperature would make recycling cheap.",
        plan="Fine-tuning on 64 GPUs for two days, then sampling and filtering of designs.",
        data_plan="Activities are published when the paper appears.",
        asks=(("h100", 5000, "Two fine-tuning runs and sampling."), ("storage", 4000, "Checkpoints.")),
    ),
    "imaging": ProposalText(
        pi="ibrahim",
        title="Finding lung nodules with few labels",
        abstract="Self-supervised training on unlabelled chest images, then fine-tuning with a few hundred labels.",
        fields=("Medical and health sciences",),
        keywords="imaging, self-supervision",
        merit="Labels are scarce in most hospitals. Methods that need few would reach many patients.",
        plan="One pre-training run of 1,200 GPU-hours, and fine-tuning runs of 20 GPU-hours each.",
        data_plan="Images stay in the commons; only weights leave, after a check for memorised images.",
        asks=(("a100", 3000, "Pre-training and thirty fine-tuning runs."),),
        datasets=(("clinical-imaging", "Self-supervised training of a model that finds lung nodules."),),
    ),
    "language": ProposalText(
        pi="priya",
        title="Speech recognition for three small languages",
        abstract="We adapt an open speech model to three languages with less than fifty hours of recordings each.",
        fields=("Languages and literature", "Computer and information sciences"),
        keywords="speech, small languages",
        merit="Their speakers have no dictation and no captions today.",
        plan="Adapter training on eight GPUs for three days a language.",
        data_plan="Recordings belong to the communities, who decide about each release.",
        asks=(("a100", 2400, "Three languages, four runs each."),),
    ),
    "fusion": ProposalText(
        pi="mei",
        title="A surrogate for turbulence in fusion plasmas",
        abstract="We learn a surrogate of a turbulence code, to make scans that take months possible in a day.",
        fields=("Physical sciences",),
        keywords="fusion, surrogate models",
        merit="Design of reactors waits for such scans.",
        plan="Training on simulations that we have.",
        data_plan="Simulations and weights are published.",
        asks=(("h100", 4000, "Training."),),
    ),
    "soil": ProposalText(
        pi="priya",
        title="Soil moisture from satellites and sensors",
        abstract="We combine satellite images with sensors in fields.",
        fields=("Agricultural and veterinary sciences",),
        keywords="soil, satellites",
        merit="",
        plan="",
        data_plan="",
        asks=(("a100", 800, "Training of the fusion model."),),
        datasets=(("weather-stations", WEATHER_USE),),
    ),
}
