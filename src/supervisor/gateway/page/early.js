/* Before anything is drawn: with script, the plain page is not shown. Without, nothing here runs and it is all there is. */
document.documentElement.classList.add("script");
