"""Configurations of transformers that make a model of any type tiny: some thousand weights, two layers."""

from collections.abc import Mapping

from pydantic import JsonValue
from transformers import CONFIG_MAPPING, PretrainedConfig

VOCABULARY = 120
POSITIONS = 64
_WIDTH, _HEADS, _LAYERS, _EXPERTS = 32, 4, 2, 4


def _all(value: int, *names: str) -> dict[str, int]:
    return dict.fromkeys(names, value)


_SMALL: Mapping[str, int | list[int]] = {
    **_all(VOCABULARY, "vocab_size", "vocab_size_per_layer_input", "text_vocab_size"),
    **_all(_WIDTH, "hidden_size", "d_model", "n_embd", "dim", "emb_dim", "word_embed_proj_dim"),
    **_all(16, "embedding_size", "embed_dim", "moe_intermediate_size", "shared_expert_intermediate_size"),
    **_all(16, "sliding_window", "q_lora_rank", "mamba_d_head", "mamba_head_dim"),
    **_all(_LAYERS, "num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers"),
    **_all(_LAYERS, "num_encoder_layers", "num_decoder_layers"),
    **_all(_HEADS, "num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"),
    **_all(_HEADS, "decoder_attention_heads", "num_encoder_attention_heads", "num_decoder_attention_heads"),
    **_all(_HEADS, "mamba_n_heads", "num_mamba_heads", "n_mamba_heads", "mamba_num_heads", "linear_num_value_heads"),
    **_all(2, "num_key_value_heads", "linear_num_key_heads", "mamba_expand"),
    **_all(2, "num_experts_per_tok", "num_experts_per_token"),
    **_all(8, "linear_head_dim"),
    **_all(_HEADS, "linear_num_heads"),
    **_all(64, "intermediate_size", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim", "d_ff", "hidden_dim", "n_inner"),
    **_all(64, "d_inner", "ffn_hidden_size", "ffn_size"),
    **_all(8, "head_dim", "d_kv", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "state_size"),
    **_all(8, "mamba_d_state", "ssm_state_size", "linear_key_head_dim", "linear_value_head_dim", "attention_window"),
    **_all(8, "patch_size", "hidden_size_per_layer_input", "global_head_dim"),
    **_all(POSITIONS, "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"),
    **_all(POSITIONS, "max_encoder_position_embeddings", "max_decoder_position_embeddings"),
    **_all(_EXPERTS, "num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"),
    **_all(2, "moe_k"),
    **_all(1, "n_shared_experts", "n_group", "num_group", "num_expert_group", "topk_group", "first_k_dense_replace"),
    **_all(4, "time_step_rank"),
    "pad_token_id": 0, "bos_token_id": 1, "cls_token_id": 1, "decoder_start_token_id": 1, "eos_token_id": 2,
    "sep_token_id": 2, "unk_token_id": 3, "mask_token_id": 4,
    "qk_head_dim": 16, "projection_dim": 24, "depths": [1, 1, 1, 1],
}  # fmt: skip

_SWIN: dict[str, JsonValue] = {
    "embed_dim": 16,
    "depths": [1, 1],
    "num_heads": [2, 4],
    "window_size": 4,
    "patch_size": 4,
}
_CONVOLUTIONAL: dict[str, JsonValue] = {"hidden_sizes": [8, 16, 24, 32], "patch_size": 4}
_CHARACTERS = {"num_hash_buckets": 64}
NEEDED: Mapping[str, Mapping[str, JsonValue]] = {
    "bit": {"num_groups": 4, "embedding_size": 32, "hidden_sizes": [32, 64], "depths": [1, 1]},
    "canine": _CHARACTERS,
    "codegen": {"rotary_dim": 8},
    "convnext": _CONVOLUTIONAL,
    "convnextv2": _CONVOLUTIONAL,
    "deepseek_v2": {"num_experts_per_tok": 2},
    "donut-swin": _SWIN,
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "efficientnet": {"hidden_dim": 2560},
    "esm": {"position_embedding_type": "rotary", "vocab_size": VOCABULARY, "pad_token_id": 0, "mask_token_id": 4},
    "esmc": {"num_key_value_heads": 4},
    "falcon_h1": {"mamba_d_ssm": 64},
    "funnel": {"block_sizes": [1, 1], "d_head": 8, "d_inner": 64},
    "gemma3n_text": {"num_kv_shared_layers": 0},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "intermediate_size": 64, "window_size": 16},
    "gptj": {"rotary_dim": 8},
    "hiera": {"embed_dim": 16, "num_heads": [1, 2, 4, 8], "image_size": [64, 64], "patch_stride": [4, 4]},
    "hunyuan_v1_dense": {"head_dim": 8},
    "hunyuan_v1_moe": {"head_dim": 8},
    "levit": {"hidden_sizes": [16, 32, 48], "depths": [1, 1, 1], "num_attention_heads": [2, 2, 2], "patch_size": 16},
    "lfm2_moe": {"layer_types": ["full_attention", "conv"]},
    "lw_detr_vit": {"num_windows": 4},
    "ministral": {"head_dim": 8},
    "mamba2": {"num_heads": 8, "head_dim": 8, "n_groups": 1},
    "maskformer-swin": _SWIN,
    "mobilevitv2": {"patch_size": 2},
    "neomme": {"head_dim": 16},
    "nemotron": {"head_dim": 8, "num_key_value_heads": 2},
    "nemotron_h": {"n_groups": 1},
    "prophetnet": {"num_encoder_layers": 2, "num_decoder_layers": 2},
    "reformer": {
        "axial_pos_shape": [8, 8], "axial_pos_embds_dim": [16, 16], "attention_head_size": 8,
        "attn_layers": ["local", "local"], "local_attn_chunk_length": 8, "feed_forward_size": 64,
    },
    "rwkv": {"rescale_every": 1},
    "squeezebert": {"embedding_size": 32},
    "swin": _SWIN,
    "swin2sr": {**_SWIN, "patch_size": 1},
    "swinv2": _SWIN,
    "timm_backbone": {"backbone": "resnet18", "use_pretrained_backbone": False},
    "vitpose_backbone": {"image_size": [64, 64], "patch_size": [8, 8], "num_experts": 1},
    "xlnet": {"d_head": 8},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "zamba": {"layers_block_type": ["linear_attention", "hybrid"]},
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid"]},
    "zaya": {"num_experts_per_tok": 1},
}  # fmt: skip
"""Fields without which the small numbers do not fit together."""


def tiny_config(model_type: str, image_size: int | None = None) -> dict[str, JsonValue]:
    """Return the fields of a tiny model of a type, and of its towers, for images of a size where it reads them."""
    known = CONFIG_MAPPING[model_type]()
    return {"model_type": model_type, **_shrunk(known, image_size)}


def _shrunk(known: PretrainedConfig, image_size: int | None) -> dict[str, JsonValue]:
    present = known.to_dict()
    fields: dict[str, JsonValue] = {
        name: value  # type: ignore[misc]
        for name, value in _SMALL.items()
        if isinstance(present.get(name), list) == isinstance(value, list) and present.get(name) is not None
    }
    if image_size is not None and isinstance(present.get("image_size"), int):
        fields["image_size"] = image_size
    for name in known.sub_configs:
        part = getattr(known, name, None)
        if isinstance(part, PretrainedConfig):
            fields[name] = {"model_type": part.model_type, **_shrunk(part, image_size)}
    if "kv_lora_rank" in fields:  # latent attention has as many keys as queries
        fields["num_key_value_heads"] = _HEADS
    return {**fields, **NEEDED.get(known.model_type, {})}
