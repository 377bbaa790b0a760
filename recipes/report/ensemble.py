"""Whether the ensemble pays: a sentence where one of its branches is better."""


def ensemble_warning(task, results):
    """A sentence if a branch is better than the ensemble by the task's main metric, else nothing.

    Args:
        task: `recipes.task.Task`.
        results: `{output: {metric: value}}` on one split.
    """
    metric = task.main_metric
    values = {output: figures[metric] for output, figures in results.items()}
    sign = -1 if metric in task.lower_is_better else 1
    best = max(values, key=lambda output: sign * values[output])
    factor, digits = task.columns(results)[metric]
    shown = {output: f"{factor * value:.{digits}f}" for output, value in values.items()}
    if shown[best] == shown["ensemble"]:  # as the table shows them
        return ""
    return (
        f"The ensemble is worse than its branch '{best}' on this split: {metric} "
        f"{shown['ensemble']}, and {shown[best]} of the branch.{_advice(task.config.fusion)}"
    )


def _advice(fusion):
    ways = []
    if fusion.ensemble_rate == 1:
        ways.append("that learn faster (--config.fusion.ensemble_rate=30)")
    if fusion.get("ensemble", "pixel") != "pixel":
        ways.append("that depend on the pixel (--config.fusion.ensemble=pixel)")
    return f" Weights {' or '.join(ways)} may help." if ways else ""
