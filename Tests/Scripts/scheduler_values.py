"""Prints the rows of SchedulerTests: samples after the first and the last step. Needs PyTorch 2.15, diffusers 0.42."""
import diffusers.schedulers.scheduling_unclip as unclip
import torch

COUNT = 48
RUNS = [
    (1000, "fixed_small_log", "sample", 5.0, 25), (1000, "learned_range", "epsilon", 1.0, 25),
    (1000, "fixed_small_log", "epsilon", 1.0, 7), (1000, "fixed_small_log", "epsilon", 1.0, 5),
    (1000, "learned_range", "epsilon", None, 3), (1000, "fixed_small_log", "epsilon", 1.0, 1000),
    (50, "learned_range", "sample", 2.0, 2),
]


def wave(function, frequency, phase):
    places = torch.arange(COUNT, dtype=torch.float64)
    return function(places * frequency + phase).float().view(1, COUNT, 1, 1)


for training_steps, variance, prediction, clip, steps in RUNS:
    scheduler = unclip.UnCLIPScheduler(
        num_train_timesteps=training_steps, variance_type=variance, prediction_type=prediction,
        clip_sample=clip is not None, clip_sample_range=clip or 1.0)
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(9)
    # The scheduler would draw noise for the variance's channels too.
    unclip.randn_tensor = lambda shape, **_: torch.randn(1, COUNT, 1, 1, generator=generator)
    sample = torch.randn(1, COUNT, 1, 1, generator=generator)
    for index, timestep in enumerate(scheduler.timesteps):
        output = wave(torch.sin, 0.37, 0.11 * index) * 1.5
        if variance == "learned_range":
            output = torch.cat([output, wave(torch.cos, 0.21, 0.07 * index)], 1)
        previous = scheduler.timesteps[index + 1] if index + 1 < steps else None
        sample = scheduler.step(output, timestep, sample, prev_timestep=previous).prev_sample
        if index == 0:
            print(training_steps, variance, prediction, clip, steps)
            print("  first", ["%.9g" % v for v in sample.flatten()[:4]])
    print("  last", ["%.9g" % v for v in sample.flatten()[[0, 1, 2, 3, -2, -1]]])
