"""Sensors that are absent or faulty: the parts of `recipes.segmentation.robustness`.

| module | what it does |
|---|---|
| `cells` | what is measured: subsets of the sensors and faults |
| `faulty` | examples with faults, and a network that is told who is absent |
| `summary` | means over the cells, the table |
| `section` | the section of the report |
"""
