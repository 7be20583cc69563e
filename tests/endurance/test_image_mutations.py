from io import BytesIO

from PIL import Image

from data.image_bytes import FORMATS
from tests.endurance.image_mutations import HEIGHT, WIDTH, good_images, mutated_image, other_images


def test_good_images_of_all_formats_are_whole() -> None:
    assert {kind.split()[0].upper() for kind in good_images()} == set(FORMATS)
    for content in good_images().values():
        with Image.open(BytesIO(content)) as image:
            image.load()
            assert image.size == (WIDTH, HEIGHT)


def test_an_interlaced_png_and_a_packed_bmp_hold_the_picture_they_were_made_of() -> None:
    pictures = {}
    for kind in ("png deep", "png interlaced", "bmp packed"):
        with Image.open(BytesIO(good_images()[kind])) as image:
            pictures[kind] = [image.getpixel((column, row)) for row in range(HEIGHT) for column in range(WIDTH)]
    assert pictures["png interlaced"] == [value // 257 for value in pictures["png deep"]]
    assert pictures["bmp packed"] == [value // 257 // 32 * 32 for value in pictures["png deep"]]


def test_a_seed_always_gives_the_same_file_and_seeds_in_a_row_give_all_kinds() -> None:
    assert mutated_image(77) == mutated_image(77)
    kinds = {mutated_image(seed).kind for seed in range(len(good_images()) + len(other_images()))}
    assert kinds == {*good_images(), *other_images()}


def test_nearly_all_files_are_changed_and_a_cut_is_a_start() -> None:
    images = [mutated_image(seed) for seed in range(300)]
    assert sum(image.content != image.original for image in images) > 290
    cut = [image for image in images if image.is_cut and image.original]
    assert len(cut) > 20
    assert all(image.original.startswith(image.content) and image.content != image.original for image in cut)
