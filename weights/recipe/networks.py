"""The networks as diffusers and transformers classes, so that what is trained is what the engine loads."""

from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel, UnCLIPScheduler
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from transformers import (CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionConfig,
                          CLIPVisionModelWithProjection)

from words import LENGTH

EMBEDDING = 256
BASE = 64                                # side of the decoder's picture
PATCH = 16                               # side of the image tower's patches
DECODER_CHANNELS = (32, 64, 128, 256)
CONTEXT = 192                            # width of the decoder's cross attention
EXTRA_TOKENS = 4                         # context tokens made from the image embedding
UP256_CHANNELS = (32, 64, 96, 128)
UP1024_CHANNELS = (16, 32, 48, 64)
PRIOR_RANGE = 5.0


def text_tower(pieces: int, start: int, end: int) -> CLIPTextModelWithProjection:
    return CLIPTextModelWithProjection(CLIPTextConfig(
        vocab_size=pieces, hidden_size=256, intermediate_size=1024, projection_dim=EMBEDDING,
        num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=LENGTH, hidden_act="quick_gelu",
        bos_token_id=start, eos_token_id=end, pad_token_id=0))


def image_tower() -> CLIPVisionModelWithProjection:
    return CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=192, intermediate_size=768, projection_dim=EMBEDDING, num_hidden_layers=4,
        num_attention_heads=3, image_size=BASE, patch_size=PATCH, hidden_act="quick_gelu"))


def prior() -> PriorTransformer:
    return PriorTransformer(num_attention_heads=4, attention_head_dim=64, num_layers=4,
                            embedding_dim=EMBEDDING, num_embeddings=LENGTH, additional_embeddings=4)


def text_projection() -> UnCLIPTextProjModel:
    return UnCLIPTextProjModel(clip_extra_context_tokens=EXTRA_TOKENS, clip_embeddings_dim=EMBEDDING,
                               time_embed_dim=4 * DECODER_CHANNELS[0], cross_attention_dim=CONTEXT)


def decoder() -> UNet2DConditionModel:
    """Text and image embedding to a 64×64 picture: 3 channels of picture, 3 of variance."""
    return UNet2DConditionModel(
        sample_size=BASE, in_channels=3, out_channels=6, block_out_channels=DECODER_CHANNELS,
        layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D",) * 2 + ("SimpleCrossAttnDownBlock2D",) * 2,
        up_block_types=("SimpleCrossAttnUpBlock2D",) * 2 + ("ResnetUpsampleBlock2D",) * 2,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", cross_attention_dim=CONTEXT, attention_head_dim=32,
        class_embed_type="identity", resnet_time_scale_shift="scale_shift", norm_num_groups=8,
        flip_sin_to_cos=True, freq_shift=0)


def middle(decoder, noisy, t, encoder_hidden_states, class_labels, attention_mask):
    """The first half of a decoder's forward pass: what its middle block returns, [n, 256, side / 8, side / 8]."""
    embedding = decoder.time_embedding(decoder.get_time_embed(noisy, t)) + class_labels
    bias = (1 - attention_mask[:, None].to(noisy.dtype)) * -10000.0
    told = {"encoder_hidden_states": encoder_hidden_states, "attention_mask": bias}
    sample = decoder.conv_in(noisy)
    for block in decoder.down_blocks:
        sample, _ = block(sample, embedding, **(told if getattr(block, "has_cross_attention", False) else {}))
    return decoder.mid_block(sample, embedding, **told)


def upsampler(channels: tuple[int, ...], size: int) -> UNet2DModel:
    """Noisy picture and enlarged smaller picture (6 channels) to a picture; convolutions only."""
    count = len(channels)
    return UNet2DModel(
        sample_size=size, in_channels=6, out_channels=3, block_out_channels=channels, layers_per_block=1,
        add_attention=False, norm_num_groups=8, attention_head_dim=8,
        down_block_types=("ResnetDownsampleBlock2D",) * count,
        up_block_types=("ResnetUpsampleBlock2D",) * count,
        resnet_time_scale_shift="default", downsample_type="resnet", upsample_type="resnet",
        flip_sin_to_cos=True, freq_shift=0)


def schedulers() -> dict[str, UnCLIPScheduler]:
    """The samplers by folder name. Every network predicts the clean sample (README.md says why)."""
    fixed = {"variance_type": "fixed_small_log", "prediction_type": "sample"}
    return {
        "prior_scheduler": UnCLIPScheduler(**fixed, clip_sample_range=PRIOR_RANGE),
        "decoder_scheduler": UnCLIPScheduler(variance_type="learned_range", prediction_type="sample"),
        "super_res_scheduler": UnCLIPScheduler(**fixed),
    }


def parameters(network) -> float:
    """Millions of parameters."""
    return sum(p.numel() for p in network.parameters()) / 1e6
