"""The demo reviewers: what each knows, and invented publications that show it."""

from dataclasses import dataclass

from allocations.programme.expertise import Kind


@dataclass(frozen=True, slots=True)
class ReviewerText:
    """Days are counted from today: when the profile was saved, and from when until when they are away."""

    fields: tuple[str, ...]
    keywords: str
    most: int
    saved: int
    # As a list that people paste.
    papers: str
    kind: Kind = Kind.DOMAIN
    away: tuple[int, int] | None = None


REVIEWERS = {
    "ruth": ReviewerText(
        fields=("Earth and environmental sciences", "Computer and information sciences"),
        keywords="weather, downscaling, graph neural networks, ensembles",
        most=6,
        saved=-30,
        papers="""title;year;abstract
Graph networks for precipitation nowcasting over complex terrain;2025;We train message-passing networks on radar composites and station data. Lead times up to three hours gain most over valleys, where optical flow fails.
Calibrated ensembles from a single learned weather model;2024;Perturbing the latent state gives ensembles whose spread matches their error. We verify against reanalysis for two winters.
Learning sub-grid convection from storm-resolving simulations;2023;A neural parametrisation replaces the convection scheme of a coarse model and stays stable for ten simulated years.
Bias correction of regional climate projections with normalising flows;2022;Flows map simulated to observed distributions jointly for temperature and rain, and keep their dependence.
How much does resolution buy? A budget of errors in learned forecasts;2021;We separate errors of resolution, data and training, and find that data dominate beyond day five.
Satellite soil moisture at field scale with super-resolution;2020;A convolutional network sharpens microwave retrievals with optical images, validated at forty probes.
""",
    ),
    "ravi": ReviewerText(
        fields=("Biological sciences", "Chemical sciences"),
        keywords="protein design, enzymes, molecular dynamics, diffusion models",
        most=4,
        saved=-45,
        away=(-2, 12),
        papers="""title;year;abstract
Diffusion models that respect active-site geometry;2025;Conditioning on catalytic residues raises the share of designed enzymes with measurable activity from two to eleven per cent.
A benchmark of structure predictors on designed proteins;2024;Predictors trained on natural folds are overconfident on designs. We give a recalibration that needs sixty structures.
Free energies of binding with learned force fields;2023;Equivariant potentials reach chemical accuracy on a series of kinase inhibitors at a tenth of the cost.
Language models of proteins find distant enzyme families;2023;Embeddings group hydrolases that share a mechanism and less than fifteen per cent of their sequence.
Enhanced sampling of loop motions in lipases;2021;Metadynamics along learned coordinates shows that lid opening limits turnover in three of five lipases.
""",
    ),
    "rosa": ReviewerText(
        fields=("Medical and health sciences", "Computer and information sciences"),
        keywords="medical imaging, segmentation, radiology, privacy",
        most=5,
        saved=-12,
        papers="""title;year;abstract
Detecting small lung nodules in low-dose computed tomography;2025;A two-stage detector finds nodules under four millimetres with half the false alarms, tested at three hospitals.
Federated training of segmentation networks across hospitals;2024;Seven sites train one network without moving images. Site normalisation matters more than the rule of averaging.
Self-supervised pretraining for chest radiographs;2023;Pretraining on unlabelled images halves the labels that are needed for nine findings.
When radiologists disagree: learning from several annotators;2022;We model each annotator's habits, and report where the consensus itself is uncertain.
Membership inference against medical image classifiers;2022;Patients can be told from non-patients in small training sets. Early stopping helps less than is thought.
Uncertainty maps for tumour segmentation;2020;Ensembles and test-time augmentation mark the borders that surgeons correct by hand.
Fast registration of longitudinal scans;2019;A learned initial guess cuts the time to register follow-up scans from minutes to seconds.
""",
    ),
    "petra": ReviewerText(
        fields=("Computer and information sciences", "Languages and literature"),
        keywords="speech recognition, low-resource languages, distributed training, GPU efficiency",
        most=8,
        saved=-20,
        kind=Kind.TECHNICAL,
        papers="""title;year;abstract
Speech recognition for languages with an hour of recordings;2025;Cross-lingual pretraining and a phone inventory bring word errors below thirty per cent for six languages.
Where the GPU hours go: a profile of two hundred training jobs;2024;Input pipelines idle a third of all GPU time. A checklist for applicants follows from the traces.
Pipeline parallel training on mixed generations of GPUs;2023;A planner that knows the memory of each card keeps older ones busy, and loses six per cent to an even cluster.
Forced alignment without a pronunciation dictionary;2022;Character models align read speech in fourteen languages within forty milliseconds.
Checkpointing large models under preemption;2022;Incremental checkpoints make preemptible queues usable for runs of weeks.
Dialects as domains: adapting acoustic models;2020;Adapters of one per cent of the parameters recover most of what is lost between dialects.
""",
    ),
}
