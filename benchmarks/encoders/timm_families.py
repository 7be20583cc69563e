"""The smallest model of each of timm's families, which are the modules of timm.models: those of timm 1.0.31."""

from collections.abc import Mapping

from pydantic import JsonValue

SMALLEST = (
    "beit_base_patch16_224", "cait_xxs24_224", "coat_tiny", "convit_tiny", "convmixer_768_32", "cpubone_nano",
    "crossvit_tiny_240", "cs3darknet_focus_s", "csatv2", "cspnext_tiny", "davit_tiny", "deepseek_vit_412m",
    "deit_tiny_patch16_224", "densenet121", "dla34", "dpn68", "eca_botnext26ts_256", "edgenext_xx_small",
    "efficientformer_l1", "efficientformerv2_s0", "efficientvim_m1", "efficientvit_b0", "efficientvit_m0",
    "ese_vovnet19b_slim_dw", "fasternet_t0", "fastvit_t8", "focalnet_tiny_srf", "gcvit_xxtiny", "gemma4_vit_167m",
    "ghostnet_050", "gmixer_12_224", "hardcorenas_a", "hgnetv2_b0", "hiera_tiny_224", "hrnet_w18_small", "iformer_t",
    "inception_next_atto", "inception_resnet_v2", "inception_v3", "inception_v4", "lcnetv2_small",
    "legacy_seresnet18", "levit_128", "lowformer_b0", "mobilenetv5_base", "mobilevit_xxs", "mvitv2_tiny",
    "naflexvit_base_patch16_siglip", "nasnetalarge", "nest_tiny", "nextvit_small", "pit_xs_224", "pnasnet5large",
    "poolformer_s12", "pvt_v2_b0", "qwen3_vit_88m", "rdnet_tiny", "regnety_006", "repghostnet_050", "repvit_m0_9",
    "res2net50_14w_8s", "resnest14d", "resnetv2_18", "rexnet_100", "sam2_hiera_tiny", "samvit_base_patch16_224",
    "selecsls42", "sequencer2d_s", "shvit_s1", "skresnet18", "starnet_s050", "swiftformer_xs",
    "swin_tiny_patch4_window7_224", "swinv2_cr_tiny_224", "swinv2_tiny_window8_256", "test_byobnet", "test_coatnet",
    "test_convnext", "test_efficientnet", "test_mambaout", "test_nfnet", "test_resnet", "test_vit", "test_vit_relpos",
    "tf_mobilenetv3_small_minimal_100", "tiny_vit_5m_224", "tnt_s_legacy_patch16_224", "tresnet_m", "twins_svt_small",
    "vgg11", "visformer_tiny", "vit_tiny_patch16_dinov3_qkvb", "vit_tiny_r_s16_p8_224", "vitamin_small_224",
    "volo_d1_224", "xception", "xception41p", "xcit_nano_12_p8_224",
)  # fmt: skip
TWO_BLOCKS: Mapping[str, JsonValue] = {"depth": 2}
ARGUMENTS: Mapping[str, Mapping[str, JsonValue]] = dict.fromkeys(
    (
        "beit_base_patch16_224", "deepseek_vit_412m", "gemma4_vit_167m", "naflexvit_base_patch16_siglip",
        "qwen3_vit_88m", "samvit_base_patch16_224",
    ),
    TWO_BLOCKS,
)  # fmt: skip
"""Of those that have no small one."""
SIZES: Mapping[str, int] = {"deepseek_vit_412m": 126}
"""Pixels a side, where the sizes of all others do not fit."""
