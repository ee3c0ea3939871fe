"""What `import hrm` offers, and what it costs."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import hrm


@pytest.mark.parametrize("name", hrm.__all__)
def test_an_exported_name_is_the_one_of_the_module_it_lives_in(name):
    found = getattr(hrm, name)
    assert found is getattr(importlib.import_module(found.__module__), name)


def test_a_name_that_is_not_exported_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'hrm' has no attribute 'Nothing'"):
        _ = hrm.Nothing


def test_the_stub_has_the_exported_names_from_the_modules_that_load_them():
    tree = ast.parse(Path(hrm.__file__).with_suffix(".pyi").read_text())
    stub = {a.asname: node.module for node in tree.body for a in node.names}
    assert stub == hrm._homes


def test_importing_the_package_and_recipes_loads_neither_torch_nor_numpy():
    code = (
        "import sys, hrm, hrm.recipes, hrm.recipes.sizing\n"
        "found = {'numpy', 'torch', 'hrm.model', 'hrm.training'} & sys.modules.keys()\n"
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
