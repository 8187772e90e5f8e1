"""Tiny models of many families, and the outcome for each: measures equal to eager attention's, or a one-line refusal.

write_families.py makes the tables of docs/own-model.md from this.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from localist.attention.models import check_model, load_model
from localist.evaluation.attention_statistics import StatisticsObserver
from localist.plumbing.errors import UserError
from localist.training.constraint import Constraint, ConstraintObserver

LAYERS, HEADS, CONTEXT, VOCABULARY, BLOCKS, WINDOWS = 2, 4, 24, 60, 4, 2
TOKENS = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
PLAIN = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": 64,
}
GROUPED = PLAIN | {"num_key_value_heads": 2}
WIDE = GROUPED | {"head_dim": 8}
SLIDING = {"sliding_window": 8}
EXPERTS = {
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
}
LATENT = PLAIN | {
    "num_key_value_heads": HEADS,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8,
    "v_head_dim": 12,
}
GPT = {"n_embd": 32, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 64}
NARROW = {"d_model": 32, "num_layers": LAYERS, "attention_heads": HEADS, "ffn_dim": 48, "max_position_embeddings": 64}
LINEAR = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8}


def rope(kind: str, **changes: float) -> dict:
    """Settings for rotary positions that extend a context of 16 tokens."""
    scaled = {"factor": 4.0, "original_max_position_embeddings": 16, "rope_theta": 10000.0}
    return {"rope_parameters": {"rope_type": kind} | scaled | changes}


@dataclass(frozen=True, eq=False)
class Kind:
    """A model to make: the family's name, the model_type of its config, its sizes, and what is special about it."""

    family: str
    model_type: str
    sizes: Mapping
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.family} ({self.variant})" if self.variant else self.family


KINDS = (
    Kind("AFMoE", "afmoe", WIDE | EXPERTS | SLIDING, "experts"),
    Kind("Apertus", "apertus", GROUPED),
    Kind("Arcee", "arcee", GROUPED),
    Kind("Aria", "aria_text", GROUPED | {"moe_num_experts": 4, "moe_topk": 2, "moe_num_shared_experts": 1}, "experts"),
    Kind("BERT", "bert", PLAIN),
    Kind("BERT", "bert", PLAIN | {"is_decoder": True}, "is_decoder: true"),
    Kind("BioGPT", "biogpt", PLAIN),
    Kind("BitNet", "bitnet", GROUPED),
    Kind("BLOOM", "bloom", {"hidden_size": 32, "n_layer": LAYERS, "n_head": HEADS}),
    Kind("CodeGen", "codegen", GPT | {"rotary_dim": 4}),
    Kind("Code World Model", "cwm", WIDE | SLIDING),
    Kind("Command R", "cohere", GROUPED | {"logit_scale": 0.0625}),
    Kind("Command R7B", "cohere2", GROUPED | SLIDING),
    Kind("CTRL", "ctrl", {"n_embd": 32, "dff": 48, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 64}),
    Kind("DeepSeek-V2", "deepseek_v2", LATENT | EXPERTS | {"q_lora_rank": None}, "experts"),
    Kind("DeepSeek-V3, Kimi K2", "deepseek_v3", LATENT | EXPERTS | {"q_lora_rank": 12}, "experts"),
    Kind("DiffLlama", "diffllama", GROUPED),
    Kind("Doge", "doge", GROUPED),
    Kind("dots.llm1", "dots1", WIDE | EXPERTS, "experts"),
    Kind("ERNIE 4.5", "ernie4_5", WIDE),
    Kind("ERNIE 4.5", "ernie4_5_moe", GROUPED | EXPERTS | {"moe_num_experts": 4, "moe_k": 2}, "experts"),
    Kind("EXAONE 4", "exaone4", GROUPED | SLIDING | {"sliding_window_pattern": 2}),
    Kind("Falcon", "falcon", PLAIN | {"alibi": True}, "ALiBi"),
    Kind("Falcon", "falcon", PLAIN | {"alibi": False}, "rotary positions"),
    Kind("Falcon-Mamba", "falcon_mamba", {"hidden_size": 32, "num_hidden_layers": LAYERS}),
    Kind("FlexOlmo", "flex_olmo", GROUPED | EXPERTS, "experts"),
    Kind("Gemma", "gemma", WIDE),
    Kind("Gemma 2", "gemma2", WIDE),
    Kind("Gemma 2", "gemma2", WIDE | SLIDING | {"attn_logit_softcapping": None}, "without a cap"),
    Kind("Gemma 3", "gemma3_text", WIDE | SLIDING | {"layer_types": ["sliding_attention", "full_attention"]}),
    Kind("GLM-4", "glm", WIDE),
    Kind("GLM-4-0414", "glm4", WIDE),
    Kind("GLM-4.5", "glm4_moe", WIDE | EXPERTS, "experts"),
    Kind("GPT (the first)", "openai-gpt", GPT),
    Kind("GPT-2", "gpt2", GPT),
    Kind("GPT-2", "gpt2", GPT | {"scale_attn_by_inverse_layer_idx": True}, "scores scaled by layer"),
    Kind("GPT-2", "gpt2", GPT | {"scale_attn_weights": False}, "unscaled scores"),
    Kind("GPT-J", "gptj", GPT | {"rotary_dim": 4}),
    Kind(
        "GPT-Neo",
        "gpt_neo",
        {
            "hidden_size": 32,
            "num_layers": LAYERS,
            "num_heads": HEADS,
            "max_position_embeddings": 64,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 8,
        },
    ),
    Kind("GPT-NeoX, Pythia", "gpt_neox", PLAIN),
    Kind("GPT-NeoX Japanese", "gpt_neox_japanese", PLAIN),
    Kind("gpt-oss", "gpt_oss", WIDE | EXPERTS | SLIDING),
    Kind("GPT-SW3", "gpt-sw3", GPT),
    Kind("Granite", "granite", GROUPED | {"attention_multiplier": 0.1, "logits_scaling": 4.0}),
    Kind("Granite", "granitemoe", GROUPED | EXPERTS | {"attention_multiplier": 0.1}, "experts"),
    Kind("Granite", "granitemoeshared", GROUPED | EXPERTS, "experts, one shared"),
    Kind("Helium", "helium", WIDE),
    Kind("Hunyuan", "hunyuan_v1_dense", WIDE),
    Kind("Hunyuan", "hunyuan_v1_moe", WIDE | EXPERTS, "experts"),
    Kind("HyperCLOVA X", "hyperclovax", WIDE),
    Kind("Jais 2", "jais2", GROUPED),
    Kind("Jamba", "jamba", GROUPED | {"num_experts": 2, "use_mamba_kernels": False}),
    Kind(
        "JetMoE",
        "jetmoe",
        {
            "hidden_size": 32,
            "num_hidden_layers": LAYERS,
            "num_key_value_heads": 2,
            "kv_channels": 8,
            "intermediate_size": 48,
            "num_local_experts": 4,
            "max_position_embeddings": 64,
        },
        "experts",
    ),
    Kind("LFM2", "lfm2", GROUPED | {"layer_types": ["conv", "full_attention"]}),
    Kind("Llama", "llama", GROUPED),
    Kind("Llama", "llama", GROUPED | {"tie_word_embeddings": True}, "tied embeddings"),
    Kind("Llama", "llama", GROUPED | rope("yarn"), "YaRN"),
    Kind("Llama", "llama", GROUPED | rope("llama3", low_freq_factor=1.0, high_freq_factor=4.0), "Llama 3 scaling"),
    Kind("Llama", "llama", GROUPED | rope("linear"), "linear scaling"),
    Kind(
        "Llama 4",
        "llama4_text",
        WIDE
        | EXPERTS
        | {"num_experts_per_tok": 1, "attention_chunk_size": 8, "intermediate_size_mlp": 48}
        | {"no_rope_layers": [1, 0]},
        "experts, chunked attention",
    ),
    Kind("Mamba", "mamba", {"hidden_size": 32, "num_hidden_layers": LAYERS}),
    Kind(
        "Mamba-2",
        "mamba2",
        {"hidden_size": 32, "num_hidden_layers": LAYERS, "num_heads": 8, "head_dim": 8, "n_groups": 1},
    ),
    Kind("MiniCPM3", "minicpm3", LATENT | {"q_lora_rank": 12}),
    Kind("MiniMax", "minimax", WIDE | EXPERTS),
    Kind("MiniMax-M2", "minimax_m2", WIDE | EXPERTS, "experts"),
    Kind("Ministral", "ministral", WIDE | SLIDING),
    Kind("Ministral 3", "ministral3", WIDE),
    Kind("Mistral", "mistral", GROUPED | {"sliding_window": None}),
    Kind("Mistral", "mistral", GROUPED | SLIDING, "sliding window"),
    Kind("Mixtral", "mixtral", GROUPED | EXPERTS, "experts"),
    Kind("MPT", "mpt", {"d_model": 32, "n_layers": LAYERS, "n_heads": HEADS, "max_seq_len": 64}),
    Kind("nanochat", "nanochat", GROUPED),
    Kind("Nemotron", "nemotron", GROUPED),
    Kind("OLMo", "olmo", GROUPED),
    Kind("OLMo 2", "olmo2", GROUPED),
    Kind("OLMo 3", "olmo3", GROUPED | SLIDING),
    Kind("OLMoE", "olmoe", GROUPED | EXPERTS, "experts"),
    Kind("OPT", "opt", PLAIN | {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    Kind("Persimmon", "persimmon", GROUPED),
    Kind("Phi-1, Phi-2", "phi", GROUPED),
    Kind("Phi-3, Phi-4", "phi3", GROUPED),
    Kind("Phi-3.5", "phimoe", GROUPED | EXPERTS, "experts"),
    Kind("Qwen2, Qwen2.5", "qwen2", GROUPED),
    Kind(
        "Qwen2, Qwen2.5",
        "qwen2",
        GROUPED | SLIDING | {"use_sliding_window": True, "max_window_layers": 1},
        "sliding window",
    ),
    Kind("Qwen2", "qwen2_moe", GROUPED | EXPERTS, "experts"),
    Kind("Qwen3", "qwen3", WIDE),
    Kind("Qwen3", "qwen3_moe", WIDE | EXPERTS | {"decoder_sparse_step": 1}, "experts"),
    Kind("Qwen3-Next", "qwen3_next", WIDE | EXPERTS | LINEAR),
    Kind("Qwen3.5", "qwen3_5_text", WIDE | LINEAR),
    Kind("RecurrentGemma", "recurrent_gemma", WIDE | {"lru_width": 32}),
    Kind("RWKV", "rwkv", {"hidden_size": 32, "num_hidden_layers": LAYERS, "context_length": 64}),
    Kind("Seed-OSS", "seed_oss", WIDE),
    Kind("SmolLM2, and others saved as Llama", "llama", GROUPED | {"num_key_value_heads": 1}, "one key head"),
    Kind("SmolLM3", "smollm3", GROUPED),
    Kind("StableLM", "stablelm", GROUPED),
    Kind("StarCoder", "gpt_bigcode", GPT),
    Kind("StarCoder2", "starcoder2", GROUPED | SLIDING),
    Kind("VaultGemma", "vaultgemma", WIDE),
    Kind("XGLM", "xglm", NARROW),
    Kind("Youtu", "youtu", LATENT | {"q_lora_rank": 12}),
)


@dataclass(frozen=True)
class Outcome:
    """Why a kind is refused, or the largest difference of each measure (by name) from eager attention."""

    refusal: str = ""
    differences: Mapping[str, float] | None = None


@cache
def outcome_of(kind: Kind) -> Outcome:
    """Make a tiny model of a kind, check and load it as a study does, and compare it with eager attention."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _save(kind, folder)
        try:
            check_model(folder, CONTEXT)
            model = load_model(folder, CONTEXT)
        except UserError as error:
            return Outcome(refusal=str(error))
        eager = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    return Outcome(differences=_differences(model.eval(), eager))


def _save(kind: Kind, folder: Path) -> None:
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind.model_type, **TOKENS | kind.sizes))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(4)  # with initial weights, attention is nearly uniform
    model.save_pretrained(folder)


def _differences(model, eager) -> dict[str, float]:
    """The largest difference of a layer's mean, by measure, and of the logits, as a fraction of the largest logit."""
    generator = np.random.default_rng(0)
    input_ids = torch.tensor(generator.integers(0, VOCABULARY, (WINDOWS, CONTEXT)))
    blocks = torch.tensor(generator.integers(0, BLOCKS, (WINDOWS, CONTEXT)))
    blocks[:, 0] = -1
    statistics = StatisticsObserver({"blocks": blocks}, blocks >= 0)
    constraints = {
        penalty: ConstraintObserver(Constraint([1.0] * LAYERS, penalty, 0.9, 1.0), blocks, BLOCKS)
        for penalty in ("hinge", "group_sparsity")
    }
    with torch.no_grad():
        logits = [
            model(input_ids, observer=observer, use_cache=False).logits
            for observer in (statistics, *constraints.values())
        ]
        expected = eager(input_ids, output_attentions=True, use_cache=False)
    scale = expected.logits.abs().max()
    found = {"logits": max(float((one - expected.logits).abs().max() / scale) for one in logits)}
    for layer, attention in enumerate(expected.attentions):
        direct = _directly(attention.double().numpy(), blocks.numpy())
        ours = _means(statistics, layer) | {
            penalty: observer.layers[layer].penalty.item() for penalty, observer in constraints.items()
        }
        assert ours.keys() == direct.keys()
        for measure, value in ours.items():
            found[measure] = max(found.get(measure, 0.0), abs(value - direct[measure]))
    return found


def _means(statistics: StatisticsObserver, layer: int) -> dict[str, float]:
    values = dict(zip(statistics.names, statistics.layers[layer].double(), strict=True))
    chance, text = statistics.visible[layer].chance[0], statistics.is_text
    counted = (chance > 0) & (chance < 1)
    return {
        "fidelity": float(values["fidelity:blocks"][counted].mean()),
        "chance": float(chance[counted].mean()),
        "sink_share": float(values["sink_share"][text].mean()),
        "self_share": float(values["self_share"][text].mean()),
        "entropy_bits": float(values["entropy_bits"][text].mean()),
    }


def _directly(attention: np.ndarray, blocks: np.ndarray) -> dict[str, float]:
    """The measures of one layer as defined in method.md, query by query. attention: [windows, heads, T, T]."""
    queries = list(_queries(attention, blocks))
    counted = [query for query in queries if 0 < query["chance"] < 1]
    alone = ("sink_share", "self_share", "entropy_bits")
    return {name: float(np.mean([query[name] for query in queries])) for name in alone} | {
        name: float(np.mean([query[name] for query in counted])) for name in counted[0].keys() - set(alone)
    }


def _queries(attention: np.ndarray, blocks: np.ndarray) -> Iterator[dict[str, float]]:
    for window, own in enumerate(blocks):
        for query in range(1, CONTEXT):
            row = attention[window, :, query]  # [heads, T]
            assert not row[:, query + 1 :].any()
            visible = [key for key in range(1, query) if row[:, key].any()]
            inside = [key for key in visible if own[key] == own[query]]
            found = {
                "sink_share": row[:, 0].mean(),
                "self_share": row[:, query].mean(),
                "entropy_bits": -sum(np.sum(share * np.log2(share)) for share in (one[one > 0] for one in row))
                / len(row),
                "chance": len(inside) / max(1, len(visible)),
            }
            if inside and len(inside) < len(visible):
                fidelity = row[:, inside].sum(-1) / row[:, visible].sum(-1)
                target = found["chance"] + 0.9 * (1 - found["chance"])
                foreign = sum(
                    np.sqrt(len(keys) / len(visible))
                    * (np.sqrt(row[:, keys].sum(-1) / row[:, visible].sum(-1) + 1e-6) - np.sqrt(1e-6))
                    for keys in ([key for key in visible if own[key] == block] for block in set(own) - {own[query]})
                )
                found |= {
                    "fidelity": fidelity.mean(),
                    "hinge": np.maximum(0, target - fidelity).mean(),
                    "group_sparsity": np.mean(foreign),
                }
            yield found
