"""Which furniture a room gets, in which sizes and materials."""

from tfds_builders.rendered_rooms import furniture, palette
from tfds_builders.rendered_rooms.class_names import LABEL


def _small_block(rng, x, y, z, scale, hidden):
    """A box or an ottoman: one distribution of shapes, two of colours."""
    sides = [scale * rng.uniform(0.42, 0.65) for _ in range(2)]
    height = scale * rng.uniform(0.38, 0.58)
    # On a table there are boxes only.
    is_box = z > 0 or rng.random() < 0.5
    material = palette.cardboard(rng) if is_box else palette.fabric(rng)
    if is_box and rng.random() < 0.25:
        material = hidden
    parts = furniture.block(*sides, height, LABEL["box" if is_box else "ottoman"], material)
    return furniture.place(parts, x, y, z, rng.uniform(-0.6, 0.6))


def furnish(rng, layout, wall, floor):
    """Draws the furniture.

    Some of it wears the wall's or the floor's own material: visible in depth only.

    Args:
        rng: A `np.random.Generator`.
        layout: A `Layout`, on which space is reserved.
        wall, floor: The room's `Material`s.

    Returns:
        A list of `Solid`s.
    """
    solids = []

    def or_camouflage(share, material, hidden=wall):
        return hidden if rng.random() < share else material

    def put(spot, parts):
        if spot is not None:
            solids.extend(furniture.place(parts, spot[0], spot[1], 0.0, spot[2]))

    def sofa():
        size = rng.uniform(0.95, 1.9), rng.uniform(0.8, 0.95), rng.uniform(0.75, 0.95)
        parts = furniture.sofa(*size, LABEL["sofa"], or_camouflage(0.2, palette.fabric(rng)))
        put(layout.against_wall(*size), parts)

    def cabinet():
        size = rng.uniform(0.7, 1.4), rng.uniform(0.35, 0.6), rng.uniform(0.8, 2.1)
        texture = rng.choice(["fronts", "fronts", "planks"])
        material = or_camouflage(0.45, palette.wood(rng, texture))
        put(layout.against_wall(*size), furniture.block(*size, LABEL["cabinet"], material))

    def table():
        size = rng.uniform(0.9, 1.5), rng.uniform(0.6, 0.9), rng.uniform(0.65, 0.8)
        material = or_camouflage(0.12, palette.wood(rng), floor)
        spot = layout.free_standing(size[0], size[1])
        put(spot, furniture.table(*size, LABEL["table"], material))
        if spot is not None and rng.random() < 0.4:
            solids.extend(_small_block(rng, spot[0], spot[1], size[2], 0.5, wall))

    def lamp():
        radius, height = rng.uniform(0.22, 0.36), rng.uniform(1.2, 1.6)
        material = or_camouflage(0.6, palette.fabric(rng))
        parts = furniture.lamp(radius, height, LABEL["lamp"], material)
        put(layout.free_standing(2 * radius, 2 * radius, nearest=2.0), parts)

    if rng.random() < 0.75:
        sofa()
    for _ in range(rng.integers(1, 5)):
        cabinet()
    if rng.random() < 0.6:
        table()
    if rng.random() < 0.7:
        lamp()
    for _ in range(rng.integers(1, 4)):
        spot = layout.free_standing(0.6, 0.6)
        if spot is not None:
            solids.extend(_small_block(rng, spot[0], spot[1], 0.0, 1.0, floor))
    return solids
