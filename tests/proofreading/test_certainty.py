"""What is not certain is not decided: texts that leave things out are never accused, and what is wrong all the same is found."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

NET = r"$h = w x$ and $g = w y$." "\n\n"
PATHS = r"$$E = h_1 + h_2$$" "\n" r"$$h_1 = w x$$" "\n"
STEP = r"$z = x y$, $x = 2w + 3b$, $y = 2b + 1$. When $w = 3, b = 4$:" "\n\n"


def differing(text: str) -> list[str]:
    """Return the sources of what differs."""
    return [item.source.strip() for item in proofread_text(text).claims if item.status is ClaimStatus.DIFFERS]


@pytest.mark.parametrize(
    "text",
    [
        r"$$y = w x$$ and $$\frac{\partial E}{\partial w} = (y - t) x$$",  # E is not said
        PATHS + r"$$\frac{\partial E}{\partial w} = x + 3 x$$",  # h2 is like h1, its formula is left out
        r"$E = \frac{1}{2}(t - o)^2$ and then $E = \frac{1}{2}(t_1 - o_1)^2$, where $t = 1$, $o = 2$",  # told again
        r"$s = \sqrt{\frac{1}{N} q}$; of a sample, $s = \sqrt{\frac{1}{N-1} q}$",
        r"$$a^l = \sigma(z^l)$$ $$\frac{\partial C}{\partial z^l} = \frac{\partial C}{\partial a^l} + 1$$",  # any layer
        r"$\hat x = (x - \mu)/s$ with $s^2 = \frac{1}{m} x$",  # says what s is
        r"$y = 2 x$, and the classes $y=0, y=1, y=2$",
        r"$$\sigma(X) = \frac{1}{1+e^{-x}}$$ so $$\sigma'(x) = \sigma(x) (1 - \sigma(x))$$",
        r"The sigmoid is the logistic function. $$\sigma(z) = \tanh(z)$$ so $$\sigma'(z) = 1 - \sigma(z)^2$$",
        STEP + r"$$\Delta z = 18 \Delta w$$ $$\Delta w = {\Delta z \over 18} = \frac{162-150}{18} = 0.6667$$ "
        r"$$w = w - 0.6667 = 2.3333$$"
        "\n"
        r"$$x = 2w+3b = 16.6667$$ $$z = x \cdot y = 16.6667 \times 9 = 150.0003$$",
    ],
)
def test_no_accusation(text: str) -> None:
    assert differing(text) == []


@pytest.mark.parametrize(
    "text",
    [
        r"$$y = w x$$ $$E = \frac{1}{2}(y - t)^2$$ $$\frac{\partial E}{\partial w} = (y - t) w$$",
        PATHS + r"$$h_2 = w y$$ $$\frac{\partial E}{\partial w} = x + 3 y$$",
        r"$$\sigma(x) = \frac{1}{1+e^{-x}}$$ so $$\sigma'(x) = \sigma(x) (1 + \sigma(x))$$",
        r"$$f(x) = \tanh(x)$$ so $$f^{'}(x) = -(\tanh(x))^2$$",
        STEP + r"$$x = 2w+3b = 19$$",
        r"$$o = \frac{1}{1 + e^{-1.105905967}} = 0.75136079$$",
    ],
)
def test_wrong_all_the_same(text: str) -> None:
    assert len(differing(text)) == 1


@pytest.mark.parametrize(
    "text",
    [r"$\sigma(z)=1$", r"$\sigma^2 = \sigma x$", r"$a_{\beta} = \varsigma(z)$", r"$w_{11}^{(1)} = \mathbf{0.1}$", r"$\sum_i$"],
)
def test_any_use_of_greek_letters_is_taken(text: str) -> None:
    assert not differing(text)
